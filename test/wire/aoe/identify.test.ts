import test from 'ava';
import fc from 'fast-check';
import {
  decodeIdentify,
  encodeIdentify,
  type Identify,
  identifiedSectors,
  LBA28_SECTORS,
} from '../../../src/wire/aoe/index.js';

const disk: Identify = {
  model: 'Coraid EtherDrive vblade',
  serial: 'SN-1',
  firmwareRevision: 'V25',
  lba48: true,
  lba28Sectors: 2048,
  lba48Sectors: 2048,
  flush: true,
  flushExt: true,
};

const faulty: [title: string, change: Partial<Identify>][] = [
  ['a model of 41 characters', { model: 'x'.repeat(41) }],
  ['a serial number of 21 characters', { serial: 'x'.repeat(21) }],
  ['a firmware revision of 9 characters', { firmwareRevision: 'x'.repeat(9) }],
  ['a model that is not ASCII', { model: 'Plättchen' }],
  ['more sectors than 28 bits address', { lba28Sectors: LBA28_SECTORS + 1 }],
  ['more sectors than 48 bits address', { lba48Sectors: 2 ** 48 }],
];

for (const [title, change] of faulty) {
  test(`building refuses ${title}`, (t) => {
    t.throws(() => encodeIdentify({ ...disk, ...change }), { instanceOf: RangeError });
  });
}

test('511 bytes are no identify block', (t) => {
  t.is(decodeIdentify(Buffer.alloc(511)), undefined);
});

test('characters stand in pairs, the second one first', (t) => {
  const bytes = encodeIdentify(disk);
  t.is(bytes.length, 512);
  t.is(bytes.toString('latin1', 54, 78), swap(disk.model));
  t.is(bytes.toString('latin1', 54, 60), 'oCardi');
  t.is(bytes.toString('latin1', 78, 94), ' '.repeat(16));
});

function swap(text: string): string {
  return text.replace(/(.)(.)/g, '$2$1');
}

test('texts padded with zeros, and on the left, are read', (t) => {
  const bytes = encodeIdentify(disk);
  bytes.fill(0, 20, 40);
  bytes.write(swap('  ab'), 20, 'latin1');
  t.is(decodeIdentify(bytes)?.serial, 'ab');
});

test('without LBA48 the words 100 to 103 do not count', (t) => {
  const bytes = encodeIdentify({ ...disk, lba28Sectors: 99 });
  bytes.writeUInt16LE(0x4000, 2 * 83);
  const identify = decodeIdentify(bytes) as Identify;
  t.false(identify.lba48);
  t.is(identify.lba48Sectors, 0);
  t.is(identifiedSectors(identify), 99);
});

test('what is built is read back the same', (t) => {
  const text = (maxLength: number) =>
    fc.string({ unit: 'grapheme-ascii', maxLength }).map((value) => value.trim());
  const sectors = fc.nat(0xffff).chain((high) => fc.nat(0xffffffff).map((low) => high * 2 ** 32 + low));
  fc.assert(
    fc.property(
      fc.record({
        model: text(40),
        serial: text(20),
        firmwareRevision: text(8),
        lba48: fc.boolean(),
        lba28Sectors: fc.nat(LBA28_SECTORS),
        lba48Sectors: sectors,
        flush: fc.boolean(),
        flushExt: fc.boolean(),
      }),
      (identify) => {
        const expected = identify.lba48 ? identify : { ...identify, lba48Sectors: 0 };
        t.deepEqual(decodeIdentify(encodeIdentify(identify)), expected);
      },
    ),
  );
});
