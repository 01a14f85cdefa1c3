/** The native target on a real wire. */
import { randomBytes } from 'node:crypto';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { here } from '../../src/hosts/host/local.js';
import type { StatusReport } from '../../src/serve/exports/status-report.js';
import {
  type AtaFrame,
  BROADCAST,
  type ConfigFrame,
  type Frame,
  type Mac,
  parseMac,
} from '../../src/wire/aoe/index.js';
import { discover } from '../../src/wire/initiator/discover.js';
import { openTarget } from '../../src/wire/initiator/open.js';
import { openPacketLink } from '../../src/wire/link/packet.js';
import { ADDRESS, ata, config, mask, reserve, SECTORS, table } from '../wire/native/bench-top.js';
import { cli, jsonHere } from './support/cli.js';
import { assertNothingLeft, discoverOn, exportOn, type Found, killAll } from './support/export.js';
import { noRoot, testUnless } from './support/machine.js';
import { Asker, startNative } from './support/native-process.js';
import { type TestWire, testWire } from './support/wire.js';

const reason = noRoot();
/** Rounds of the test that kills the target; 100 were run when it was written. */
const ROUNDS = Number(process.env.AOE_LAB_KILL_ROUNDS ?? 4);

function exportSettings(wire: TestWire, slot: number, more: object = {}): object {
  return { ...ADDRESS, slot, iface: wire.target, path: join(wire.folder, `disk${slot}`), ...more };
}

async function macOf(asker: Asker, slot: number): Promise<Mac> {
  const envelope = { shelf: ADDRESS.shelf, slot, to: BROADCAST, from: asker.link.mac };
  const { ethernet } = await asker.ask(config(0, '', envelope));
  return ethernet.source;
}

const WAYS = [
  { title: 'receive ring and io_uring', ring: true, uring: true, path: /receive ring, sendmmsg, io_uring/ },
  { title: 'recvmmsg and threads', ring: false, uring: false, path: /recvmmsg, sendmmsg, thread pool/ },
];

for (const { title, ring, uring, path } of WAYS) {
  testUnless(
    reason,
    `native by ${title}: what it answers is what the rules say, request by request`,
    async (t) => {
      const wire = await testWire(t);
      const bench = table();
      await writeFile(join(wire.folder, `disk${ADDRESS.slot}`), bench.disk);
      const native = await startNative(t, wire, {
        ring,
        uring,
        exports: [exportSettings(wire, ADDRESS.slot)],
      });
      t.regex(native.said(), path);
      const asker = await Asker.open(t, wire);
      const to = await macOf(asker, ADDRESS.slot);
      const from = asker.link.mac;
      const commands = [0x20, 0x24, 0x24, 0x24, 0x30, 0x34, 0x34, 0x34, 0x40, 0x42, 0xe7, 0xe5, 0xb0];
      const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;
      for (let round = 0; round < 600; round++) {
        const command = pick(commands);
        const isWrite = command === 0x30 || command === 0x34;
        const count = pick([0, 1, 1, 2, 2, 3]);
        const lba = pick([
          0,
          1,
          SECTORS - 2,
          SECTORS - 1,
          SECTORS,
          2 ** 28 + 5,
          2 ** 47,
          Math.floor(Math.random() * SECTORS),
        ]);
        const data = isWrite
          ? randomBytes(512 * pick([count, count, count, 1])).subarray(0, 1024)
          : Buffer.alloc(0);
        const flags = (isWrite !== Math.random() < 0.03 ? 1 : 0) | pick([0, 0x40, 0x52]);
        const version = Math.random() < 0.02 ? 2 : 1;
        const request = ata(command, flags, { count, lba, data, version, to, from });
        const [expected] = await bench.ask({
          ...request,
          ethernet: { destination: 0x02_00_00_00_00_01, source: from },
        });
        const seen = await asker.ask(request);
        const normal = (frame: Frame | undefined): unknown =>
          frame && { ...frame, ethernet: frame.ethernet.destination, header: { ...frame.header, tag: 0 } };
        t.deepEqual(
          normal(seen),
          normal(expected),
          `command 0x${command.toString(16)} count ${count} lba ${lba}`,
        );
      }
      const last = await asker.ask(ata(0xea, 0x40, { to, from }));
      t.is((last as AtaFrame).ata.cmdStatus, 0x40);
      t.true(bench.disk.equals(await readFile(join(wire.folder, `disk${ADDRESS.slot}`))));
      t.is(await native.kill('SIGTERM'), 0);
    },
  );
}

testUnless(
  reason,
  'native: many requests at once in any order are all answered once, with their own data',
  async (t) => {
    const wire = await testWire(t, 9000);
    const { disk } = table();
    for (const slot of [1, 2]) await writeFile(join(wire.folder, `disk${slot}`), disk);
    const exports = [exportSettings(wire, 1), exportSettings(wire, 2, { directIo: true })];
    await startNative(t, wire, { exports });
    const asker = await Asker.open(t, wire);
    for (const slot of [1, 2]) {
      const to = await macOf(asker, slot);
      for (let round = 0; round < 20; round++) {
        const lbas = Array.from({ length: 64 }, () => Math.floor(Math.random() * (SECTORS - 16)));
        const answers = await Promise.all(
          lbas.map((lba) => asker.ask(ata(0x24, 0x40, { lba, count: 16, slot, to, from: asker.link.mac }))),
        );
        answers.forEach((answer, index) => {
          const lba = lbas[index] as number;
          t.true(
            (answer as AtaFrame).data.equals(disk.subarray(lba * 512, (lba + 16) * 512)),
            `sector ${lba}`,
          );
        });
      }
    }
  },
);

testUnless(reason, 'native: config string, masks and reservation outlive kill -9', async (t) => {
  const wire = await testWire(t);
  await writeFile(join(wire.folder, 'disk1'), Buffer.alloc(1 << 20));
  const settings = { exports: [exportSettings(wire, 1)] };
  const first = await startNative(t, wire, settings);
  const asker = await Asker.open(t, wire);
  const from = asker.link.mac;
  const envelope = { slot: 1, to: await macOf(asker, 1), from };
  const other = 0x02_00_00_00_99_99;
  await asker.ask(config(3, 'kept', envelope));
  await asker.ask(reserve(1, [other], envelope));
  await asker.ask(mask(1, [{ dcmd: 1, mac: from }], envelope));
  await first.kill('SIGKILL');
  await startNative(t, wire, settings);
  const string = (await asker.ask(config(0, '', envelope))) as ConfigFrame;
  t.is(string.config.string.toString(), 'kept');
  t.like(await asker.ask(reserve(0, [], envelope)), { reserve: { rcmd: 0, macs: [other] } });
  t.like(await asker.ask(mask(0, [], envelope)), {
    mask: { mcmd: 0, merror: 0, directives: [{ dcmd: 0, mac: from }] },
  });
  t.is((await asker.ask(ata(0x24, 0x40, envelope))).header.error, 6);
});

testUnless(
  reason,
  `native: killed during writes, ${ROUNDS} times, no write that was flushed is lost`,
  async (t) => {
    const wire = await testWire(t);
    const disk = join(wire.folder, 'disk1');
    await writeFile(disk, Buffer.alloc(SECTORS * 512));
    const settings = { exports: [exportSettings(wire, 1)] };
    const asker = await Asker.open(t, wire);
    let flushed = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      const native = await startNative(t, wire, settings);
      const to = await macOf(asker, 1);
      const envelope = { slot: 1, to, from: asker.link.mac };
      let going = true;
      /** Sector → what was written there and answered, before a flush that was answered. */
      const sure = new Map<number, Buffer>();
      const writing = (async () => {
        for (let turn = 0; going; turn++) {
          const written = new Map<number, Buffer>();
          const answers = Array.from({ length: 8 }, (_, index) => {
            const data = randomBytes(512);
            const lba = (turn * 8 + index) % SECTORS;
            written.set(lba, data);
            return asker.ask(ata(0x34, 0x41, { ...envelope, lba, data }));
          });
          await Promise.all(answers);
          // What is under way when it is killed may be there or not.
          for (const lba of written.keys()) sure.delete(lba);
          const { ata: registers } = (await asker.ask(ata(0xea, 0x40, envelope))) as AtaFrame;
          t.is(registers.cmdStatus, 0x40);
          for (const [lba, data] of written) sure.set(lba, data);
        }
      })();
      await sleep(100 + Math.random() * 100);
      await native.kill('SIGKILL');
      going = false;
      void writing;
      const image = await readFile(disk);
      flushed += sure.size;
      // The last turn may have begun to overwrite the oldest sectors: those of the next 8 are left out.
      for (const [lba, data] of sure) {
        t.true(data.equals(image.subarray(lba * 512, (lba + 1) * 512)), `round ${round}, sector ${lba}`);
      }
    }
    t.true(flushed > 0);
    t.log(`${flushed} sectors were flushed`);
  },
);

testUnless(reason, 'native: 20 reloads under load lose no frame', async (t) => {
  const wire = await testWire(t, 9000);
  for (const slot of [1, 2]) await writeFile(join(wire.folder, `disk${slot}`), Buffer.alloc(1 << 20, slot));
  const one = exportSettings(wire, 1);
  const native = await startNative(t, wire, { exports: [one] });
  const asker = await Asker.open(t, wire);
  const to = await macOf(asker, 1);
  let going = true;
  let answered = 0;
  const reader = async (): Promise<void> => {
    while (going) {
      const answer = await asker.ask(
        ata(0x24, 0x40, { slot: 1, to, from: asker.link.mac, count: 16, lba: 16 }),
      );
      t.is((answer as AtaFrame).data.length, 8192);
      answered++;
    }
  };
  const readers = Array.from({ length: 16 }, reader);
  for (let round = 0; round < 20; round++) {
    const exports = round % 2 === 0 ? [one, exportSettings(wire, 2)] : [one];
    await writeFile(join(native.folder, 'native.json'), JSON.stringify({ exports }));
    native.child.kill('SIGHUP');
    await sleep(20);
  }
  going = false;
  await Promise.all(readers);
  t.is(asker.unanswered, 0);
  t.true(answered > 1000);
  t.log(`${answered} reads meanwhile`);
});

testUnless(reason, 'native: a file that grows or shrinks is noticed', async (t) => {
  const wire = await testWire(t);
  const disk = join(wire.folder, 'disk1');
  await writeFile(disk, Buffer.alloc(1 << 20));
  await startNative(t, wire, { exports: [exportSettings(wire, 1)] });
  const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns });
  t.teardown(() => link.close());
  await truncate(disk, 2 << 20);
  const grown = await openTarget(link, { shelf: ADDRESS.shelf, slot: 1 });
  t.is(await grown.sectors(), 4096);
  t.is((await grown.read(4000, 2)).length, 1024);
  await truncate(disk, 512 << 10);
  const fault = await t.throwsAsync(grown.read(4000, 1));
  t.regex(fault?.message ?? '', /IDNF/);
  t.is((await grown.read(1000, 2)).length, 1024);
});

testUnless(
  reason,
  'native: an interface that goes down and up, gets another MTU, or is made anew is served again',
  async (t) => {
    const wire = await testWire(t);
    const inside = here.inNamespace(wire.netns);
    await writeFile(join(wire.folder, 'disk1'), Buffer.alloc(1 << 20));
    const native = await startNative(t, wire, { exports: [exportSettings(wire, 1)] });
    const envelope = { shelf: ADDRESS.shelf, slot: 1 };
    const answers = async (maxSectors: number): Promise<void> => {
      const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns });
      try {
        for (let tries = 0; tries < 50; tries++) {
          const [found] = await discover(link, { ...envelope, wait: 100 });
          if (found?.maxSectors === maxSectors) return;
        }
        t.fail(`no answer with ${maxSectors} sectors: ${native.said()}`);
      } finally {
        await link.close();
      }
    };
    const ip = (...argv: string[]) => inside.run(['ip', 'link', ...argv]);
    await answers(2);
    await ip('set', wire.target, 'down');
    await ip('set', wire.target, 'up');
    await answers(2);
    for (const end of [wire.initiator, wire.target]) await ip('set', end, 'mtu', '9000');
    await answers(17);
    await ip('del', wire.target);
    await ip(
      'add',
      wire.target,
      'mtu',
      '4000',
      'type',
      'veth',
      'peer',
      'name',
      wire.initiator,
      'mtu',
      '4000',
    );
    for (const end of [wire.initiator, wire.target]) await ip('set', end, 'up');
    await answers(7);
    t.is(await native.kill('SIGTERM'), 0);
  },
);

testUnless(
  reason,
  'native by the command line: exports share a process, come back after kill -9, and leave nothing',
  async (t) => {
    const wire = await testWire(t);
    const first = await jsonHere<{ pids: number[] }>(exportOn(wire, 'native', 1, '--size', '1M'), wire.env);
    const second = await jsonHere<{ pids: number[] }>(
      exportOn(wire, 'native', 2, '--size', '2M', '--read-only', '--offset', '8', '--length', '100'),
      wire.env,
    );
    await jsonHere(exportOn(wire, 'native', 3, '--size', '1M', '--mac', '02:00:00:00:00:77'), wire.env);
    t.deepEqual(second.pids, first.pids);
    const found = await jsonHere<Found[]>(discoverOn(wire), wire.env);
    t.deepEqual(
      found.map(({ slot, sectors, bufferCount }) => [slot, sectors, bufferCount]),
      [
        [1, 2048, 64],
        [2, 100, 64],
      ],
    );
    t.not(parseMac(wire.mac), undefined);
    await killAll(first.pids.slice(0, 1));
    const states = async () =>
      (await jsonHere<StatusReport>(['status'], wire.env)).exports.map(({ state }) => state);
    t.deepEqual(await states(), ['down', 'down', 'down']);
    await jsonHere(['restart', 'e0.1'], wire.env);
    t.deepEqual(await states(), ['serving', 'serving', 'serving']);
    await jsonHere(['unexport', '--force', 'e0.2'], wire.env);
    t.deepEqual(await states(), ['serving', 'serving']);
    const logs = await cli(['logs', 'e0.1'], wire.env);
    t.regex(logs.stdout, /receive ring, sendmmsg/);
    await jsonHere(['unexport', '--force', '--all'], wire.env);
    await assertNothingLeft(t, wire);
  },
);
