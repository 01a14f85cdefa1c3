/** The native target where one of its disks does not answer. */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { NoAnswerError, openTarget, type Target } from '../../src/wire/initiator/index.js';
import { openPacketLink } from '../../src/wire/link/packet.js';
import type { DaemonStatus } from '../../src/wire/native/status-file.js';
import { ADDRESS, ata, config } from '../wire/native/bench-top.js';
import { fuse, noFuse } from './support/fuse.js';
import { testUnless } from './support/machine.js';
import { Asker, type NativeProcess, startNative } from './support/native-process.js';
import { type TestWire, testWire } from './support/wire.js';

const SIZE = 4 << 20;
const SECTORS = SIZE / 512;
/** Exports on the file system that is stopped. */
const STUCK = [1, 2, 3, 4, 5, 6];
const FREE = [11, 12];
/** Requests of each kind that are sent to each of them, as an initiator repeats them. */
const REPEATED = 40;

const WAYS = [
  { way: 'io_uring', uring: true },
  { way: 'threads', uring: false },
] as const;

async function session(t: ExecutionContext, wire: TestWire, slot: number): Promise<Target> {
  const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns });
  t.teardown(() => link.close());
  for (;;) {
    try {
      return await openTarget(link, { ...ADDRESS, slot }, { timeout: 60_000 });
    } catch (error) {
      // It has much to answer that was asked before.
      if (!(error instanceof NoAnswerError)) throw error;
    }
  }
}

async function statusOf(native: NativeProcess): Promise<DaemonStatus> {
  return JSON.parse(await readFile(join(native.folder, 'status.json'), 'utf8')) as DaemonStatus;
}

/** Everything that an initiator does with an export that is in order. */
async function exercise(t: ExecutionContext, target: Target): Promise<void> {
  for (let round = 0; round < 10; round++) {
    const data = randomBytes(1024);
    await target.write(round * 2, data);
    t.true((await target.read(round * 2, 2)).equals(data));
    t.is((await target.identify()).serial.length, 20);
    t.true(await target.flush());
  }
}

/** Asks all that can be asked, again and again; nothing is waited for. */
function besiege(asker: Asker, slots: readonly number[]): void {
  const from = asker.link.mac;
  for (let round = 0; round < REPEATED; round++) {
    for (const slot of slots) {
      const envelope = { slot, from, to: 0xffff_ffff_ffff };
      for (const frame of [
        ata(0xec, 0, envelope),
        ata(0x24, 0x40, { ...envelope, lba: 2 * round, count: 2 }),
        ata(0x34, 0x41, { ...envelope, lba: 64 + round, data: Buffer.alloc(512, 9) }),
        ata(0xea, 0x40, { ...envelope, count: 0 }),
        ata(0x42, 0x40, { ...envelope, lba: 0, count: 64 }),
      ]) {
        void asker.ask(frame);
      }
    }
  }
}

for (const { way, uring } of WAYS) {
  testUnless(
    noFuse(),
    `A18: ${STUCK.length} exports on a file system that does not answer hold up no other, by ${way}`,
    async (t) => {
      t.timeout(600_000);
      const wire = await testWire(t);
      const slow = await fuse(t, wire.folder, { size: SIZE });
      const settings = (slot: number, path: string) => ({ ...ADDRESS, slot, iface: wire.target, path });
      for (const slot of FREE) await writeFile(join(wire.folder, `disk${slot}`), Buffer.alloc(SIZE));
      const stuck = STUCK.map((slot) => settings(slot, join(slow.folder, `disk${slot}`)));
      const [first, second] = FREE.map((slot) => settings(slot, join(wire.folder, `disk${slot}`)));
      const native = await startNative(t, wire, { uring, exports: [...stuck, first as object] });
      const target = await session(t, wire, FREE[0] as number);
      const other = await session(t, wire, STUCK[0] as number);
      t.is((await other.read(0, 1))[0], 2 + (STUCK[0] as number));
      await other.write(8, Buffer.alloc(512, 7));
      await exercise(t, target);

      await slow.stop();
      const asker = await Asker.open(t, wire);
      besiege(asker, STUCK);
      await exercise(t, target);
      t.true(asker.unanswered > 0);
      // What it is, and its config string, it knows by itself.
      const envelope = { slot: STUCK[0] as number, from: asker.link.mac, to: 0xffff_ffff_ffff };
      t.is((await asker.ask(config(0, '', envelope))).kind, 'config');
      await native.says(/e7\.1: stuck, no answer from its disk/);
      for (;;) {
        const { exports } = await statusOf(native);
        const told = exports.filter((one) => (one.stuck ?? 0) >= 2).map(({ slot }) => slot);
        if (told.length === STUCK.length) {
          t.deepEqual(told, STUCK);
          break;
        }
        await sleep(200);
      }
      // A configuration is taken all the same, an export added and one of those that are stuck taken away.
      const exports = [...stuck.slice(1), first, second];
      await writeFile(join(native.folder, 'native.json'), JSON.stringify({ uring, exports }));
      native.child.kill('SIGHUP');
      await native.says(/e7\.12 on tgt: /);
      await exercise(t, await session(t, wire, FREE[1] as number));
      besiege(asker, STUCK);
      await exercise(t, target);

      await slow.resume();
      await native.says(/e7\.2: its disk answers again/);
      const again = await session(t, wire, 2);
      t.is((await again.read(1024, 1))[0], 4);
      await slow.stop();
      void again.read(0, 1).catch(() => {});
      while (!(await statusOf(native)).exports.some(({ stuck }) => stuck !== undefined)) await sleep(200);
      // It does not wait for the disk at its end either.
      t.is(await native.kill('SIGTERM'), 0);
    },
  );

  testUnless(
    noFuse(),
    `A18: native started while one file system does not answer serves the others, and that one later, by ${way}`,
    async (t) => {
      t.timeout(600_000);
      const wire = await testWire(t);
      const slow = await fuse(t, wire.folder, { size: SIZE });
      await slow.stop();
      const settings = (slot: number, path: string) => ({ ...ADDRESS, slot, iface: wire.target, path });
      await writeFile(join(wire.folder, 'disk11'), Buffer.alloc(SIZE));
      const exports = [
        ...STUCK.map((slot) => settings(slot, join(slow.folder, `disk${slot}`))),
        settings(11, join(wire.folder, 'disk11')),
      ];
      const native = await startNative(t, wire, { uring, exports }, 1);
      await exercise(t, await session(t, wire, 11));
      await native.says(/e7\.6 on tgt is not served yet: no answer from its disk/);
      const { waiting } = await statusOf(native);
      t.deepEqual(
        waiting.map(({ slot }) => slot),
        STUCK,
      );
      t.regex(waiting[0]?.why ?? '', /^stuck: no answer from its disk for \d+ s$/);
      await slow.resume();
      await native.says(/e7\.6 on tgt: /);
      const late = await session(t, wire, 6);
      t.is(await late.sectors(), SECTORS);
      await exercise(t, late);
      t.is(await native.kill('SIGTERM'), 0);
    },
  );
}
