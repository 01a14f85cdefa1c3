import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openTarget } from '../../../src/wire/initiator/index.js';
import { connectStream, listenStream } from '../../../src/wire/link/stream-open.js';
import { temporaryFolder } from '../../base/temporary.js';
import { FakeTarget } from '../initiator/fake-target.js';
import { pattern } from '../initiator/lab.js';

const QEMU = 'qemu-system-x86_64';

/** Undefined, or why no QEMU can take part here. */
function whyNoQemu(): string | undefined {
  const { status, stdout } = spawnSync(QEMU, ['-M', 'none', '-netdev', 'help'], { encoding: 'utf8' });
  if (status !== 0) return `needs ${QEMU}`;
  return /^stream$/m.test(stdout) ? undefined : `${QEMU} knows no stream netdev (7.2 does)`;
}

const why = whyNoQemu();
const title = 'QEMU hands frames on between its stream sockets, listening and connecting';
const live = why === undefined ? test.serial : test.skip;

/** QEMU without a guest: two stream sockets joined by its own hub; it connects to one and listens at the other. */
async function qemuBetween(t: ExecutionContext, connectsTo: string, listensAt: string): Promise<void> {
  const netdev = (id: string, server: string, path: string): string[] => [
    '-netdev',
    `stream,id=${id},server=${server},addr.type=unix,addr.path=${path}`,
    '-netdev',
    `hubport,id=hub${id},hubid=0,netdev=${id}`,
  ];
  const argv = [...netdev('a', 'off', connectsTo), ...netdev('b', 'on', listensAt)];
  // Not stopped (-S): a machine that does not run hands no frames on.
  const child = spawn(QEMU, ['-M', 'none', '-nodefaults', '-display', 'none', ...argv], {
    stdio: 'ignore',
  });
  await once(child, 'spawn');
  t.teardown(async () => {
    child.kill('SIGKILL');
    await once(child, 'close');
  });
}

live(why === undefined ? title : `${title} (skipped: ${why})`, async (t) => {
  const folder = await temporaryFolder(t);
  const [left, right] = [join(folder, 'left'), join(folder, 'right')];
  const listening = await listenStream({ path: left }, { mac: 0x02_00_00_00_00_02, mtu: 9000 });
  t.teardown(() => listening.close());
  await qemuBetween(t, left, right);
  await listening.connected();
  const connected = await connectStream(
    { path: right },
    { mac: 0x02_00_00_00_00_01, mtu: 9000, patience: 20_000 },
  );
  t.teardown(() => connected.close());
  // QEMU takes a connection before it reads from it: the first frames tell when it does.
  const fake = new FakeTarget(listening, { sectors: 4096, maxSectors: 16 });
  fake.disk.set(pattern(fake.disk.length));
  const target = await openTarget(connected, { shelf: 0, slot: 1 }, { findTimeout: 10_000 });
  t.is(target.sectorsPerFrame, 16);
  t.true((await target.read(0, 4096)).equals(fake.disk));
  const data = Buffer.alloc(1 << 20, 0x5a);
  await target.write(1000, data);
  t.true(fake.disk.subarray(1000 * 512, 1000 * 512 + data.length).equals(data));
  // The peer leaves, and QEMU, which listens, takes it back.
  await connected.close();
  const again = await connectStream({ path: right }, { mac: 0x02_00_00_00_00_03, mtu: 9000 });
  t.teardown(() => again.close());
  const back = await openTarget(again, { shelf: 0, slot: 1 }, { findTimeout: 10_000 });
  t.is(await back.sectors(), 4096);
});
