import test from 'ava';
import { type AtaFrame, buildFrame, decodeIdentify, type Frame } from '../../../src/wire/aoe/index.js';
import { type Backing, BackingError, MemoryBacking } from '../../../src/wire/native/backing.js';
import type { IoFault } from '../../../src/wire/native/reaction.js';
import { type AtaOptions, ata, MAX_SECTORS, SECTORS, table } from './bench-top.js';

const READ = 0x20;
const READ_EXT = 0x24;
const WRITE = 0x30;
const WRITE_EXT = 0x34;
const W = 0x01;
const E = 0x40;

function asAta(frame: Frame | undefined): AtaFrame {
  if (frame?.kind !== 'ata') throw new Error(`no ATA answer but ${frame?.kind}`);
  return frame;
}

const REFUSED: [string, number, number, AtaOptions][] = [
  ['a read of 0 sectors', READ_EXT, E, { count: 0 }],
  ['a read of more sectors than a frame holds', READ_EXT, E, { count: MAX_SECTORS + 1 }],
  ['a read that says it writes', READ_EXT, E | W, { count: 1, data: Buffer.alloc(512) }],
  ['a write of 0 sectors', WRITE_EXT, E | W, { count: 0 }],
  ['a write of more sectors than a frame holds', WRITE_EXT, E | W, { count: 3, data: Buffer.alloc(1536) }],
  ['a write with less data than it announces', WRITE_EXT, E | W, { count: 2, data: Buffer.alloc(512) }],
  ['a write without the write flag', WRITE_EXT, E, { count: 1, data: Buffer.alloc(512) }],
];

for (const [title, command, flags, envelope] of REFUSED) {
  test(`ata: ${title} is a bad argument, and nothing is written`, async (t) => {
    const bench = table();
    const before = Buffer.from(bench.disk);
    const [answer] = await bench.ask(ata(command, flags, envelope));
    t.like(answer?.header, { flags: 0xc, error: 2, command: 0 });
    t.true(bench.disk.equals(before));
    t.deepEqual(bench.served.counters.aoeErrors, { 2: 1 });
  });
}

const BEYOND: [string, number, number, AtaOptions][] = [
  ['a read that ends one sector behind the end', READ_EXT, E, { lba: SECTORS - 1, count: 2 }],
  ['a read of 28 bits at the end', READ, 0, { lba: SECTORS }],
  ['a read of 48 bits far behind the end', READ_EXT, E, { lba: 2 ** 48 - 1 }],
  ['a write behind the end', WRITE_EXT, E | W, { lba: SECTORS, data: Buffer.alloc(512, 1) }],
  ['a verify behind the end', 0x42, E, { lba: SECTORS - 3, count: 4 }],
];

for (const [title, command, flags, envelope] of BEYOND) {
  test(`ata: ${title} finds no such sector (IDNF)`, async (t) => {
    const bench = table();
    const [answer] = await bench.ask(ata(command, flags, envelope));
    const { header, ata: registers, data } = asAta(answer);
    t.like(header, { flags: 8, error: 0 });
    t.like(registers, { cmdStatus: 0x41, errFeature: 0x10, lba: envelope.lba as number });
    t.is(data.length, 0);
    t.is(bench.disk.length, SECTORS * 512);
    t.is(bench.served.counters.ataErrors.idNotFound, 1);
  });
}

for (const [title, command] of [
  ['SMART', 0xb0],
  ['NOP', 0x00],
  ['SET FEATURES', 0xef],
  ['one that is in no standard', 0x7b],
] as const) {
  test(`ata: ${title} is aborted`, async (t) => {
    const [answer] = await table().ask(ata(command, 0));
    t.like(asAta(answer).ata, { cmdStatus: 0x41, errFeature: 0x04 });
  });
}

test('ata: a write to a read-only target is aborted, a read is not', async (t) => {
  const bench = table({ readOnly: true });
  const before = Buffer.from(bench.disk);
  const [write, read] = await bench.ask(
    ata(WRITE, W, { data: Buffer.alloc(512, 1) }),
    ata(READ, 0, { lba: 5 }),
  );
  t.like(asAta(write).ata, { cmdStatus: 0x41, errFeature: 0x04 });
  t.is(asAta(read).data.readUInt32BE(0), 5);
  t.true(bench.disk.equals(before));
});

const FAULTS: [IoFault, number, number][] = [
  ['media', READ_EXT, 0x40],
  ['beyond', READ_EXT, 0x10],
  ['refused', WRITE_EXT, 0x04],
  ['media', 0x42, 0x40],
  ['refused', 0xea, 0x04],
  ['media', 0xea, 0x04],
];

for (const [fault, command, register] of FAULTS) {
  test(`ata: when the store says "${fault}", command 0x${command.toString(16)} ends with error 0x${register.toString(16)}`, async (t) => {
    const fail = async (): Promise<never> => {
      throw new BackingError(fault, 'on purpose');
    };
    const backing: Backing = {
      measure: async () => SECTORS,
      read: fail,
      write: fail,
      flush: fail,
      close: fail,
    };
    const isWrite = command === WRITE_EXT;
    const request = ata(command, E | (isWrite ? W : 0), isWrite ? { data: Buffer.alloc(512) } : {});
    const [answer] = await table({ backing }).ask(request);
    t.like(asAta(answer).ata, { cmdStatus: 0x41, errFeature: register });
  });
}

test('ata: reads of 28 and 48 bits bring the sectors asked for', async (t) => {
  const answers = await table().ask(
    ata(READ, 0, { lba: 17, count: 2 }),
    ata(READ_EXT, E, { lba: SECTORS - 2, count: 2 }),
  );
  t.deepEqual(
    answers.map((answer) => {
      const { data, ata: registers } = asAta(answer);
      return [
        data.length,
        data.readUInt32BE(0),
        data.readUInt32BE(512),
        registers.cmdStatus,
        registers.errFeature,
      ];
    }),
    [
      [1024, 17, 18, 0x40, 0],
      [1024, SECTORS - 2, SECTORS - 1, 0x40, 0],
    ],
  );
});

test('ata: a command of 28 bits uses the low 28 of its address', async (t) => {
  const [answer] = await table().ask(ata(READ, 0, { lba: 0xffff_f000_0000 + 9 }));
  t.is(asAta(answer).data.readUInt32BE(0), 9);
});

test('ata: what is written is on the disk and nothing beside it', async (t) => {
  const bench = table();
  const expected = Buffer.from(bench.disk);
  expected.fill(0xab, 100 * 512, 102 * 512);
  // Data beyond the count is padding.
  const data = Buffer.concat([Buffer.alloc(1024, 0xab), Buffer.alloc(512, 0xcd)]);
  const [answer] = await bench.ask(ata(WRITE_EXT, E | W, { lba: 100, count: 2, data }));
  t.like(asAta(answer).ata, { cmdStatus: 0x40, errFeature: 0, count: 0 });
  t.is(asAta(answer).data.length, 0);
  t.is(bench.sent[0]?.length, 60);
  t.true(bench.disk.equals(expected));
  t.like(bench.served.counters, { writes: 1, bytesWritten: 1024, reads: 0, bytesRead: 0 });
});

test('ata: writes that overlap are carried out in the order in which they came', async (t) => {
  const bench = table();
  const requests = Array.from({ length: 50 }, (_, index) =>
    ata(WRITE_EXT, E | W, {
      lba: 10 + (index % 2),
      count: 2,
      data: Buffer.alloc(1024, index + 1),
      tag: index + 1,
    }),
  );
  t.is((await bench.ask(...requests)).length, 50);
  t.deepEqual([bench.disk[10 * 512], bench.disk[11 * 512], bench.disk[12 * 512]], [49, 50, 50]);
});

test('ata: a flush is answered after the writes before it, and holds up no read', async (t) => {
  const order: string[] = [];
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  class Slow extends MemoryBacking {
    override async write(sector: number, data: Buffer): Promise<void> {
      await gate;
      await super.write(sector, data);
      order.push('written');
    }
    override async flush(): Promise<void> {
      order.push('flushed');
    }
  }
  const bench = table({ backing: new Slow(Buffer.alloc(SECTORS * 512)) });
  bench.station.handle(buildFrame(ata(WRITE_EXT, E | W, { data: Buffer.alloc(512, 1), tag: 1 })));
  bench.station.handle(buildFrame(ata(0xea, E, { tag: 2 })));
  bench.station.handle(buildFrame(ata(READ_EXT, E, { lba: 9, tag: 3 })));
  while (bench.sent.length === 0) await new Promise((resolve) => setImmediate(resolve));
  t.is(bench.sent[0]?.readUInt32BE(20), 3);
  release();
  await bench.station.idle();
  t.deepEqual(order, ['written', 'flushed']);
  t.deepEqual(bench.sent.map((frame) => frame.readUInt32BE(20)).sort(), [1, 2, 3]);
});

for (const [title, command, count, status] of [
  ['verify of 28 bits', 0x40, 4, 0x40],
  ['verify of 48 bits', 0x42, 255, 0x40],
  ['verify of 28 bits with a count of 0 (256 sectors)', 0x40, 0, 0x40],
  ['flush', 0xe7, 0, 0x40],
  ['flush of 48 bits', 0xea, 0, 0x40],
] as const) {
  test(`ata: ${title} succeeds without data`, async (t) => {
    const [answer] = await table().ask(ata(command, 0, { count }));
    t.like(asAta(answer).ata, { cmdStatus: status, errFeature: 0 });
    t.is(asAta(answer).data.length, 0);
  });
}

test('ata: check power mode says that it is active', async (t) => {
  const [answer] = await table().ask(ata(0xe5, 0, { count: 0 }));
  t.like(asAta(answer).ata, { cmdStatus: 0x40, count: 0xff });
});

test('ata: identify tells size, names and commands, and notices a store that has grown', async (t) => {
  const bench = table();
  const backing = bench.served.backing as MemoryBacking;
  const [answer] = await bench.ask(ata(0xec, 0));
  t.like(decodeIdentify(asAta(answer).data), {
    serial: 'S-1',
    model: 'aoe-lab native target',
    lba48: true,
    lba28Sectors: SECTORS,
    lba48Sectors: SECTORS,
    flush: true,
    flushExt: true,
  });
  backing.bytes = Buffer.alloc((SECTORS + 8) * 512);
  const [again, read] = await bench.ask(ata(0xec, 0));
  t.is(read, undefined);
  t.is(decodeIdentify(asAta(again).data)?.lba48Sectors, SECTORS + 8);
  const [last] = await bench.ask(ata(READ_EXT, E, { lba: SECTORS + 7 }));
  t.is(asAta(last).data.length, 512);
});

test('ata: the LBA of an answer is that of its request', async (t) => {
  const [answer] = await table().ask(ata(READ_EXT, E, { lba: 1234 }));
  t.is(asAta(answer).ata.lba, 1234);
});
