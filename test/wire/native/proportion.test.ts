/** What costs more than its frame is bounded, and initiators take turns (HOSTILE 4). */
import test from 'ava';
import { AtaCommand, AtaFlag, type AtaFrame } from '../../../src/wire/aoe/index.js';
import { MemoryBacking } from '../../../src/wire/native/backing.js';
import { PIECE } from '../../../src/wire/native/verifies.js';
import { ata, OTHERS, SECTORS, THEIRS, table } from './bench-top.js';

/** A disk that tells what is asked of it, and can be held. */
class Watched extends MemoryBacking {
  reads: number[] = [];
  flushes = 0;
  underWay = 0;
  most = 0;
  hold: Promise<void> | undefined;

  override async read(sector: number, count: number): Promise<Buffer> {
    this.reads.push(count);
    this.underWay++;
    this.most = Math.max(this.most, this.underWay);
    await (this.hold ?? new Promise((resolve) => setImmediate(resolve)));
    this.underWay--;
    return super.read(sector, count);
  }

  override async flush(): Promise<void> {
    this.flushes++;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function setUp() {
  const backing = new Watched(Buffer.alloc(SECTORS * 512));
  return { backing, ...table({ backing }) };
}

const verify = (from: number, tag: number, count = 0, lba = 0): AtaFrame =>
  ata(AtaCommand.verify, 0, { from, tag, count, lba });

test('4: a verify is read in small pieces, one at a time of an export, however many are asked', async (t) => {
  const { backing, ask } = setUp();
  const answers = await ask(...Array.from({ length: 8 }, (_, tag) => verify(THEIRS, tag + 1)));
  t.is(answers.length, 8);
  t.is(backing.most, 1);
  t.deepEqual(new Set(backing.reads), new Set([PIECE]));
  t.is(backing.reads.length, (8 * 256) / PIECE);
});

test('4: one initiator may have few verifies under way; what is repeated meanwhile is not done twice', async (t) => {
  const { served, backing, ask } = setUp();
  const asked = Array.from({ length: 500 }, (_, tag) => verify(THEIRS, tag + 1));
  const answers = await ask(...asked, verify(THEIRS, 1));
  t.is(answers.length, 16);
  t.is(new Set(answers.map(({ header }) => header.tag)).size, 16);
  t.is(backing.reads.length, (16 * 256) / PIECE);
  t.is(served.counters.unsent, 501 - 16);
});

test('4: initiators take turns: a short verify overtakes the long ones of another', async (t) => {
  const { ask } = setUp();
  const long = Array.from({ length: 16 }, (_, tag) => verify(THEIRS, tag + 1));
  const answers = await ask(...long, verify(OTHERS, 99, 1));
  t.is(answers.length, 17);
  t.is(
    answers.findIndex(({ header }) => header.tag === 99),
    0,
  );
});

test('4: many flushes are one flush, and one more for those that came meanwhile', async (t) => {
  const { backing, served, ask } = setUp();
  const flushes = Array.from({ length: 60 }, (_, tag) => ata(AtaCommand.flushCache, 0, { tag: tag + 1 }));
  t.is((await ask(...flushes)).length, 60);
  t.is(backing.flushes, 2);
  t.is(served.counters.flushes, 60);
});

test('4: a flush that waits for the one before it holds the writes that were answered before it was asked', async (t) => {
  const { backing, ask, disk } = setUp();
  const data = Buffer.alloc(512, 7);
  const write = ata(AtaCommand.writeSectors, AtaFlag.write, { lba: 3, data });
  const seen: Buffer[] = [];
  const flush = backing.flush.bind(backing);
  backing.flush = async () => {
    seen.push(Buffer.from(backing.bytes.subarray(3 * 512, 4 * 512)));
    await flush();
  };
  await ask(ata(AtaCommand.flushCache, 0), write, ata(AtaCommand.flushCache, 0, { tag: 2 }));
  t.true(seen.at(-1)?.equals(data));
  t.is(disk.length, SECTORS * 512);
});

test('4: an initiator that fills its share of what may wait leaves room for others', async (t) => {
  const { backing, served, station, sent, ask } = setUp();
  let release = (): void => {};
  backing.hold = new Promise((resolve) => {
    release = resolve;
  });
  const read = (from: number, tag: number) => ata(AtaCommand.readSectors, 0, { from, tag });
  const asked = ask(...Array.from({ length: 3000 }, (_, tag) => read(THEIRS, tag + 1)), read(OTHERS, 1));
  t.is(station.underWay, served.target.bufferCount + 1);
  release();
  const answers = await asked;
  t.is(answers.length, served.target.bufferCount + 1);
  t.is(sent.length, answers.length);
  t.is(answers.filter(({ ethernet }) => ethernet.destination === OTHERS).length, 1);
  t.is(station.underWay, 0);
});
