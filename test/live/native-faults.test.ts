/** The native target where its disk, or its interface, is not as it should be. */
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { here } from '../../src/hosts/host/local.js';
import type { StatusReport } from '../../src/serve/exports/status-report.js';
import { type AtaFrame, BROADCAST, type Frame, identifiedSectors } from '../../src/wire/aoe/index.js';
import { openTarget } from '../../src/wire/initiator/open.js';
import { openPacketLink } from '../../src/wire/link/packet.js';
import { ADDRESS, ata } from '../wire/native/bench-top.js';
import { cli, jsonHere } from './support/cli.js';
import { exportOn } from './support/export.js';
import { fuse, noFuse } from './support/fuse.js';
import { noRoot, testUnless } from './support/machine.js';
import { Asker, startNative } from './support/native-process.js';
import { detachFrom } from './support/own-dev.js';
import { type TestWire, testWire } from './support/wire.js';

const SIZE = 1 << 20;
const SECTORS = SIZE / 512;

async function only(wire: TestWire) {
  const { exports } = await jsonHere<StatusReport>(['status'], wire.env);
  return exports[0] as StatusReport['exports'][number];
}

async function session(t: ExecutionContext, wire: TestWire, slot = 1, iface = wire.initiator) {
  const link = await openPacketLink({ iface, netns: wire.netns });
  t.teardown(() => link.close());
  return openTarget(link, { shelf: 0, slot });
}

const ip = (wire: TestWire, ...argv: string[]) => here.run(['ip', '-n', wire.netns, 'link', ...argv]);

testUnless(
  noFuse(),
  'A19: a bad sector and a full disk are named by status and log with errno, sector and count',
  async (t) => {
    const wire = await testWire(t);
    const { folder } = await fuse(t, wire.folder, { size: SIZE, bad: 101 * 512, full: 1000 * 512 });
    const file = join(folder, 'disk1');
    const place = ['--iface', wire.target, '--netns', wire.netns];
    const words = ['export', '--impl', 'native', '--shelf', '0', '--slot', '1', ...place, '--file', file];
    const { log } = await jsonHere<{ log: string }>(words, wire.env);
    t.deepEqual((await only(wire)).faults, []);
    const asker = await Asker.open(t, wire);
    const { mac } = (await only(wire)) as { mac: string };
    const spec = {
      shelf: 0,
      slot: 1,
      from: asker.link.mac,
      to: Number.parseInt(mac.replaceAll(':', ''), 16),
    };
    for (let round = 0; round < 5; round++) {
      const read = (await asker.ask(ata(0x24, 0x40, { ...spec, lba: 100, count: 2 }))) as AtaFrame;
      t.like(read.ata, { cmdStatus: 0x41, errFeature: 0x40, lba: 101 }, 'the answer names the bad sector');
      const data = Buffer.alloc(1024);
      const write = (await asker.ask(ata(0x34, 0x41, { ...spec, lba: 999, count: 2, data }))) as AtaFrame;
      t.like(write.ata, { cmdStatus: 0x41, errFeature: 0x04 });
    }
    // The others are served as they were.
    const good = (await asker.ask(ata(0x24, 0x40, { ...spec, lba: 99, count: 2 }))) as AtaFrame;
    t.is(good.data[0], 3);
    for (;;) {
      const { state, faults } = await only(wire);
      if (faults.length < 2 || !faults.every((fault) => fault.includes(', 5 times'))) {
        await sleep(200);
        continue;
      }
      t.is(state, 'impaired');
      t.regex(faults.join('\n'), /its disk has a fault: reading sector 101 failed: EIO, 5 times, last at 20/);
      t.regex(faults.join('\n'), /writing sector 999 failed: ENOSPC, 5 times/);
      break;
    }
    const { stdout } = await here.run(['cat', log]);
    t.is(stdout.match(/reading sector 101 failed: EIO/g)?.length, 1, stdout);
    t.is(stdout.match(/writing sector 999 failed: ENOSPC/g)?.length, 1, stdout);
  },
);

testUnless(
  noFuse(),
  'A18: a file system that does not answer holds up neither status nor exports of others, and is told',
  async (t) => {
    const wire = await testWire(t);
    const hung = await fuse(t, wire.folder, { size: SIZE });
    const place = ['--iface', wire.target, '--netns', wire.netns, '--impl', 'native', '--shelf', '0'];
    const onHung = (slot: number) => ['--slot', String(slot), '--file', join(hung.folder, `disk${slot}`)];
    await jsonHere(['export', ...place, ...onHung(1)], wire.env);
    await hung.stop();
    try {
      await jsonHere(exportOn(wire, 'native', 2, '--size', '1M'), wire.env);
      const { exports } = await jsonHere<StatusReport>(['status'], wire.env);
      t.is(exports.length, 2);
      t.is(exports[0]?.state, 'impaired');
      t.regex(
        exports[0]?.faults.join('\n') ?? '',
        /it did not answer within 5 s: its file system or disk hangs/,
      );
      t.like(exports[1], { state: 'serving', faults: [] });
      const refused = await cli(['export', ...place, ...onHung(3)], wire.env);
      t.is(refused.exitCode, 2);
      t.regex(refused.stderr, /it did not answer within 5 s[\s\S]*→ bring its server or disk back/);
    } finally {
      await hung.resume();
    }
  },
);

testUnless(
  noRoot(),
  'A12: a file that grows is followed and told once, and is no fault of native',
  async (t) => {
    const wire = await testWire(t);
    const { log } = await jsonHere<{ log: string }>(exportOn(wire, 'native', 1, '--size', '1M'), wire.env);
    const target = await session(t, wire);
    await truncate(join(wire.folder, 'disk1'), 2 * SIZE);
    while (identifiedSectors(await target.identify()) !== 2 * SECTORS) await sleep(50);
    for (;;) {
      const { sectors, state, faults } = await only(wire);
      if (sectors !== 2 * SECTORS) continue;
      t.like({ state, faults }, { state: 'serving', faults: [] });
      break;
    }
    const { stdout } = await here.run(['cat', log]);
    t.is(stdout.match(/had 2048 sectors and has 4096 now/g)?.length, 1, stdout);
  },
);

testUnless(
  noRoot(),
  'A13: direct I/O where the file system has none is refused with the cause and the way out',
  async (t) => {
    const wire = await testWire(t);
    const folder = join(wire.folder, 'ram');
    await here.run(['mkdir', folder]);
    await here.run(['mount', '-t', 'ramfs', 'aoe-lab-test', folder]);
    t.teardown(() => here.run(['umount', folder]));
    await writeFile(join(folder, 'disk1'), Buffer.alloc(SIZE));
    const settings = { ...ADDRESS, iface: wire.target, path: join(folder, 'disk1') };
    const native = await startNative(t, wire, { exports: [{ ...settings, directIo: true }] }, 0);
    await native.says(
      /is not served yet:[^\n]*\n[^\n]*ramfs takes no direct I\/O|ramfs takes no direct I\/O/,
    );
    t.regex(native.said(), /leave direct I\/O out/);
  },
);

testUnless(
  noRoot(),
  'B7: while the MTU is lowered no request is answered by an error, and what fits goes on',
  async (t) => {
    const wire = await testWire(t, 9000);
    await writeFile(join(wire.folder, 'disk1'), Buffer.alloc(SIZE, 1));
    const exports = [{ ...ADDRESS, iface: wire.target, path: join(wire.folder, 'disk1') }];
    const native = await startNative(t, wire, { exports });
    const asker = await Asker.open(t, wire);
    const errors: Frame[] = [];
    const spec = { from: asker.link.mac, to: BROADCAST };
    const large = () => ata(0x24, 0x40, { ...spec, lba: 0, count: 17 });
    const ask = (frame: Frame) =>
      void asker.ask(frame).then((answer) => {
        if (answer.header.flags & 4) errors.push(answer);
      });
    t.is(((await asker.ask(large())) as AtaFrame).data.length, 17 * 512);
    for (const end of [wire.target, wire.initiator]) await ip(wire, 'set', end, 'mtu', '1500');
    while (!/opened again/.test(native.said())) {
      ask(large());
      await sleep(10);
    }
    for (let round = 0; round < 50; round++) ask(large());
    const small = (await asker.ask(ata(0x24, 0x40, { ...spec, lba: 0, count: 2 }))) as AtaFrame;
    t.is(small.data.length, 1024);
    t.deepEqual(errors, []);
    // What never fitted is wrong all the same.
    const wrong = await asker.ask(ata(0x24, 0x40, { ...spec, lba: 0, count: 200 }));
    t.like(wrong.header, { flags: 0xc, error: 2 });
  },
);

testUnless(noRoot(), 'B9: on the interface lo it is found, read and written', async (t) => {
  const wire = await testWire(t);
  await here.inNamespace(wire.netns).run(['ip', 'link', 'set', 'lo', 'up']);
  await writeFile(join(wire.folder, 'disk1'), Buffer.alloc(SIZE, 1));
  const words = exportOn({ ...wire, target: 'lo' }, 'native', 1);
  await jsonHere(words, wire.env);
  const target = await session(t, wire, 1, 'lo');
  const data = Buffer.alloc(4096, 5);
  await target.write(8, data);
  t.true((await target.read(8, 8)).equals(data));
  t.is((await target.read(0, 1))[0], 1);
});

testUnless(
  noRoot(),
  'B13: an interface with an MTU of 500 is waited for, the exports of the others are served',
  async (t) => {
    const wire = await testWire(t);
    await ip(wire, 'add', 'small', 'mtu', '500', 'type', 'veth', 'peer', 'name', 'peer', 'mtu', '500');
    for (const end of ['small', 'peer']) await ip(wire, 'set', end, 'up');
    for (const slot of [1, 2]) await writeFile(join(wire.folder, `disk${slot}`), Buffer.alloc(SIZE, slot));
    const settings = (slot: number, iface: string) => ({
      shelf: 0,
      slot,
      iface,
      path: join(wire.folder, `disk${slot}`),
    });
    const exports = [settings(1, 'small'), settings(2, wire.target)];
    const native = await startNative(t, wire, { exports }, 1);
    await native.says(
      /e0\.1 on small is not served yet: .*its MTU is 500, and a frame with one sector needs 534/,
    );
    t.is((await (await session(t, wire, 2)).read(0, 1))[0], 2);
    for (const end of ['small', 'peer']) await ip(wire, 'set', end, 'mtu', '1500');
    await native.says(/e0\.1 on small: /);
    t.is((await (await session(t, wire, 1, 'peer')).read(0, 1))[0], 1);
    // Lowered while it is served: the others are served still, and it is when there is room again.
    for (const end of ['small', 'peer']) await ip(wire, 'set', end, 'mtu', '500');
    await native.says(/small was opened again: its MTU is 500 now/);
    t.is((await (await session(t, wire, 2)).read(0, 1))[0], 2);
    for (const end of ['small', 'peer']) await ip(wire, 'set', end, 'mtu', '1500');
    t.is((await (await session(t, wire, 1, 'peer')).read(0, 1))[0], 1);
    t.is(await native.kill('SIGTERM'), 0);
  },
);

testUnless(
  noRoot(),
  'A17: the serial is the same after a restart and by another loop device, and another for another address',
  async (t) => {
    const wire = await testWire(t);
    const file = join(wire.folder, 'disk1');
    await writeFile(file, Buffer.alloc(SIZE));
    const losetup = async (): Promise<string> =>
      (await here.run(['losetup', '--find', '--show', file])).stdout.trim();
    const serialBy = async (path: string, slot: number): Promise<string> => {
      const exports = [{ shelf: 0, slot, iface: wire.target, path }];
      const native = await startNative(t, wire, { exports });
      const { serial } = await (await session(t, wire, slot)).identify();
      t.is(await native.kill('SIGTERM'), 0);
      return serial;
    };
    const [one, two] = [await losetup(), await losetup()];
    t.teardown(() => detachFrom(file));
    t.not(one, two);
    const serial = await serialBy(one, 1);
    t.regex(serial, /^[0-9a-f]{20}$/);
    t.is(await serialBy(two, 1), serial);
    const ofFile = await serialBy(file, 1);
    t.is(await serialBy(file, 1), ofFile);
    t.not(await serialBy(file, 2), ofFile);
  },
);
