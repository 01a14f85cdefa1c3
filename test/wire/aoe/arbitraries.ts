import fc from 'fast-check';
import type { Frame } from '../../../src/wire/aoe/index.js';

const bytes = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((array) => Buffer.from(array));

export const byte = fc.nat(0xff);
export const word = fc.nat(0xffff);
export const mac = fc.nat({ max: 0xffff_ffff }).chain((low) => word.map((high) => high * 2 ** 32 + low));

const ethernet = fc.record({ destination: mac, source: mac });

const header = (command: fc.Arbitrary<number>) =>
  fc.record({
    version: fc.nat(15),
    flags: fc.nat(15),
    error: byte,
    major: word,
    minor: byte,
    command,
    tag: fc.nat(0xffff_ffff),
  });

/** Frames of all kinds that are in order: what they announce is there. */
export const ataFrame = fc
  .record({
    kind: fc.constant('ata' as const),
    ethernet,
    header: header(fc.constant(0)),
    ata: fc.record({ flags: byte, errFeature: byte, count: fc.nat(4), cmdStatus: byte, lba: mac }),
    data: fc.constant(Buffer.alloc(0)),
  })
  .chain((frame) =>
    fc
      .integer({ min: frame.ata.count, max: 4 })
      .chain((sectors) => bytes(sectors * 512, sectors * 512).map((data) => ({ ...frame, data }))),
  );

export const configFrame = fc.record({
  kind: fc.constant('config' as const),
  ethernet,
  header: header(fc.constant(1)),
  config: fc.record({
    bufferCount: word,
    firmware: word,
    sectorCount: byte,
    version: fc.nat(15),
    ccmd: fc.nat(15),
    string: bytes(0, 1024),
  }),
});

export const maskFrame = fc.record({
  kind: fc.constant('mask' as const),
  ethernet,
  header: header(fc.constant(2)),
  mask: fc.record({
    mcmd: byte,
    merror: byte,
    directives: fc.array(fc.record({ dcmd: byte, mac }), { maxLength: 255 }),
  }),
});

export const reserveFrame = fc.record({
  kind: fc.constant('reserve' as const),
  ethernet,
  header: header(fc.constant(3)),
  reserve: fc.record({ rcmd: byte, macs: fc.array(mac, { maxLength: 255 }) }),
});

/** A body of at least 36 bytes: a shorter one comes back with its padding. */
const raw = <K extends 'vendor' | 'unknown'>(kind: K, min: number, max: number) =>
  fc.record({
    kind: fc.constant(kind),
    ethernet,
    header: header(fc.integer({ min, max })),
    body: bytes(36, 200),
  });

export const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  ataFrame,
  configFrame,
  maskFrame,
  reserveFrame,
  raw('vendor', 0xf0, 0xff),
  raw('unknown', 4, 0xef),
);
