/** The native target where what it is to serve is not there yet. */
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { here } from '../../src/hosts/host/local.js';
import type { StatusReport } from '../../src/serve/exports/status-report.js';
import { BROADCAST, type ConfigFrame } from '../../src/wire/aoe/index.js';
import { openTarget } from '../../src/wire/initiator/open.js';
import { openPacketLink } from '../../src/wire/link/packet.js';
import { ADDRESS, config } from '../wire/native/bench-top.js';
import { jsonHere } from './support/cli.js';
import { exportOn, killAll } from './support/export.js';
import { noRoot, testUnless } from './support/machine.js';
import { Asker, startNative } from './support/native-process.js';
import { assertRights } from './support/rights.js';
import { type TestWire, testWire } from './support/wire.js';

const reason = noRoot();
const SIZE = 1 << 20;

function settings(wire: TestWire, slot: number, iface: string, name = `disk${slot}`) {
  return { ...ADDRESS, slot, iface, path: join(wire.folder, name) };
}

/** Reads the first sector of an export by an interface of the namespace. */
async function firstByte(t: ExecutionContext, wire: TestWire, slot: number, iface: string): Promise<number> {
  const link = await openPacketLink({ iface, netns: wire.netns });
  try {
    const target = await openTarget(link, { ...ADDRESS, slot });
    t.is(await target.sectors(), SIZE / 512);
    return (await target.read(0, 1))[0] as number;
  } finally {
    await link.close();
  }
}

testUnless(
  reason,
  'native: an interface that is down or missing at the start is served when it is there, with what was kept',
  async (t) => {
    const wire = await testWire(t);
    const ip = (...argv: string[]) => here.run(['ip', '-n', wire.netns, 'link', ...argv]);
    for (const slot of [1, 2, 3]) await writeFile(join(wire.folder, `disk${slot}`), Buffer.alloc(SIZE, slot));
    const late = settings(wire, 1, 'late');
    const first = await startNative(t, wire, { exports: [settings(wire, 1, wire.target)] });
    const asker = await Asker.open(t, wire);
    const spec = { slot: 1, to: BROADCAST, from: asker.link.mac };
    await asker.ask(config(3, 'kept', spec));
    await first.kill('SIGKILL');

    // All alone, it waits as well.
    const native = await startNative(t, wire, { exports: [late] }, 0);
    await native.says(/e7\.1 on late is not served yet: .*there is no interface "late"/);
    // The others of a reload are not kept waiting.
    await ip('add', 'spare', 'type', 'veth', 'peer', 'name', 'spare-peer');
    const exports = [late, settings(wire, 2, wire.target), settings(wire, 3, 'spare')];
    await writeFile(join(native.folder, 'native.json'), JSON.stringify({ exports }));
    native.child.kill('SIGHUP');
    await native.says(/e7\.3 on spare is not served yet: .*is down/);
    t.is(await firstByte(t, wire, 2, wire.initiator), 2);

    for (const end of ['spare', 'spare-peer']) await ip('set', end, 'up');
    await native.says(/e7\.3 on spare: /);
    t.is(await firstByte(t, wire, 3, 'spare-peer'), 3);
    await ip('add', 'late', 'type', 'veth', 'peer', 'name', 'late-peer');
    for (const end of ['late', 'late-peer']) await ip('set', end, 'up');
    await native.says(/e7\.1 on late: /);
    t.is(await firstByte(t, wire, 1, 'late-peer'), 1);
    const other = await Asker.open(t, { ...wire, initiator: 'late-peer' });
    const answer = (await other.ask(config(0, '', { ...spec, from: other.link.mac }))) as ConfigFrame;
    t.is(answer.config.string.toString(), 'kept');
    // Each reason is told once, however often it looks.
    t.is(native.said().match(/e7\.3 on spare is not served yet/g)?.length, 1);
    t.is(await native.kill('SIGTERM'), 0);
  },
);

testUnless(
  reason,
  'native: a file that is missing is served when it is there; status tells what it waits for',
  async (t) => {
    const wire = await testWire(t);
    await writeFile(join(wire.folder, 'disk1'), Buffer.alloc(SIZE, 1));
    const exports = [settings(wire, 1, wire.target), settings(wire, 2, wire.target, 'late')];
    const native = await startNative(t, wire, { exports }, 1);
    await native.says(/e7\.2 on tgt is not served yet: ENOENT/);
    t.is(await firstByte(t, wire, 1, wire.initiator), 1);
    const { stdout } = await here.run(['cat', join(native.folder, 'status.json')]);
    const { waiting } = JSON.parse(stdout);
    t.like(waiting, [{ shelf: 7, slot: 2, iface: 'tgt' }]);
    t.regex(waiting[0].why, /no such file/);
    // All at once: a file that is still being written would be served in part.
    await writeFile(join(wire.folder, 'unfinished'), Buffer.alloc(SIZE, 2));
    await rename(join(wire.folder, 'unfinished'), join(wire.folder, 'late'));
    await native.says(/e7\.2 on tgt: /);
    t.is(await firstByte(t, wire, 2, wire.initiator), 2);
  },
);

testUnless(
  reason,
  "native: started with all that root may, no thread keeps what it never needs; what is reloaded or made anew is served, others' files too",
  async (t) => {
    const wire = await testWire(t);
    await writeFile(join(wire.folder, 'disk1'), Buffer.alloc(SIZE, 1));
    const first = settings(wire, 1, wire.target);
    const native = await startNative(t, wire, { exports: [first] });
    const { pid } = native.child;
    const threads = await readdir(`/proc/${pid}/task`);
    t.true(threads.length > 4);
    for (const thread of threads) {
      const status = await readFile(`/proc/${pid}/task/${thread}/status`, 'utf8');
      assertRights(t, status, ['net_raw', 'dac_override', 'ipc_lock']);
    }
    t.true((await readFile(`/proc/${pid}/cmdline`, 'utf8')).startsWith(`${process.execPath}\0`));

    // A user's own file, by a reload; and its socket once more, for an interface that was made anew.
    const place = join(wire.folder, 'own');
    await mkdir(place, { mode: 0o700 });
    await writeFile(join(place, 'disk'), Buffer.alloc(SIZE, 2), { mode: 0o600 });
    await here.run(['chown', '-R', '12345', place]);
    const exports = [first, settings(wire, 2, wire.target, 'own/disk')];
    await writeFile(join(native.folder, 'native.json'), JSON.stringify({ exports }));
    native.child.kill('SIGHUP');
    await native.says(/e7\.2 on tgt: /);
    t.is(await firstByte(t, wire, 2, wire.initiator), 2);
    const ends = [wire.target, 'type', 'veth', 'peer', 'name', wire.initiator];
    await here.run(['ip', '-n', wire.netns, 'link', 'del', wire.target]);
    await here.run(['ip', '-n', wire.netns, 'link', 'add', ...ends]);
    for (const end of [wire.initiator, wire.target]) {
      await here.run(['ip', '-n', wire.netns, 'link', 'set', end, 'up']);
    }
    await native.says(/tgt was opened again/);
    t.is(await firstByte(t, wire, 2, wire.initiator), 2);
    t.is(await native.kill('SIGTERM'), 0);
  },
);

testUnless(reason, 'native by the command line: status says what an export waits for', async (t) => {
  const wire = await testWire(t);
  const [disk, away] = [join(wire.folder, 'disk2'), join(wire.folder, 'away')];
  await writeFile(disk, Buffer.alloc(SIZE));
  const made = await jsonHere<{ pids: number[] }>(exportOn(wire, 'native', 1, '--size', '1M'), wire.env);
  await jsonHere(exportOn(wire, 'native', 2), wire.env);
  const second = async () => (await jsonHere<StatusReport>(['status'], wire.env)).exports[1];
  t.like(await second(), { state: 'serving', faults: [] });
  await killAll(made.pids.slice(0, 1));
  await rename(disk, away);
  await jsonHere(['restart', 'e0.1'], wire.env);
  const waits = await second();
  t.is(waits?.state, 'impaired');
  t.true(
    waits?.faults.some((fault) => /^it is not served yet: ENOENT/.test(fault)),
    String(waits?.faults),
  );
  await rename(away, disk);
  for (;;) if ((await second())?.state === 'serving') break;
  t.like(await second(), { state: 'serving', wire: 'answers', faults: [] });
});
