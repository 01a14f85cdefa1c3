import test from 'ava';
import fc from 'fast-check';
import { buildFrame, describeFault, type Frame, parseFrame } from '../../../src/wire/aoe/index.js';
import { anyFrame } from './arbitraries.js';

/** Destination, source, EtherType; then the AoE header's first bytes, and a tag. */
const ETHERNET = 'ffffffffffff 020000000001 88a2';
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const zeros = (count: number): string => '00'.repeat(count);

const faults: [title: string, bytes: Buffer, fault: string][] = [
  ['no bytes at all', hex(''), 'Ethernet header: it ends at byte 14, the frame at 0'],
  [
    'an Ethernet header and half a header of AoE',
    hex(`${ETHERNET} 10000000 01`),
    'AoE header: it ends at byte 24, the frame at 19',
  ],
  [
    'an IPv4 packet',
    hex(`ffffffffffff 020000000001 0800 ${zeros(46)}`),
    "EtherType: 0x0800 is not AoE's 0x88a2",
  ],
  [
    'a write that announces two sectors and carries one',
    hex(`${ETHERNET} 10 00 0000 01 00 00000001  01 00 02 30 000000000000 0000 ${zeros(512)}`),
    'data: 2 sectors are announced, 512 bytes are there',
  ],
  [
    'a write whose last byte is missing',
    hex(`${ETHERNET} 10 00 0000 01 00 00000001  41 00 01 34 000000000000 0000 ${zeros(511)}`),
    'data: 1 sectors are announced, 511 bytes are there',
  ],
  [
    'a config string of 1025 bytes',
    hex(`${ETHERNET} 10 00 0000 01 01 00000001  0000 0000 00 14 0401 ${zeros(1025)}`),
    'string length: 1025 is above the 1024 allowed',
  ],
  [
    'a config string longer than the frame',
    hex(`${ETHERNET} 10 00 0000 01 01 00000001  0000 0000 00 13 0020 ${zeros(28)}`),
    'string length: 32 bytes are announced, 28 are there',
  ],
  [
    'a mask list with more directives than bytes',
    hex(`${ETHERNET} 10 00 0000 01 02 00000001  00 01 00 05 ${zeros(32)}`),
    'mask count: 5 directives are announced, 4 are there',
  ],
  [
    'a mask list of 28 bytes that announces one directive',
    hex(`${ETHERNET} 10 00 0000 01 02 00000001  00 01 00 01`),
    'mask count: 1 directives are announced, 0 are there',
  ],
  [
    'a reservation with more addresses than bytes',
    hex(`${ETHERNET} 10 00 0000 01 03 00000001  01 06 ${zeros(34)}`),
    'reserve count: 6 addresses are announced, 5 are there',
  ],
];

for (const [title, bytes, expected] of faults) {
  test(`fault: ${title}`, (t) => {
    const parsed = parseFrame(bytes);
    if (parsed.kind !== 'fault') return t.fail(`it was read as ${parsed.kind}`);
    t.is(describeFault(parsed), expected);
    t.is(parsed.header?.tag, bytes.length >= 24 && bytes[12] === 0x88 ? 1 : undefined);
    return;
  });
}

test("nmap's query of 24 bytes is read as a config query padded with zeros", (t) => {
  const parsed = parseFrame(hex(`${ETHERNET} 10 00 ffff ff 01 0000abcd`));
  t.deepEqual(parsed, {
    kind: 'config',
    ethernet: { destination: 0xffffffffffff, source: 0x020000000001 },
    header: { version: 1, flags: 0, error: 0, major: 0xffff, minor: 0xff, command: 1, tag: 0xabcd },
    config: { bufferCount: 0, firmware: 0, sectorCount: 0, version: 0, ccmd: 0, string: Buffer.alloc(0) },
  });
});

test("vblade's config answer of 32 bytes is read", (t) => {
  const parsed = parseFrame(
    hex('020000000001 020000000002 88a2 18 00 0000 01 01 12345678 0010 4019 02 10 0000'),
  );
  t.deepEqual(parsed, {
    kind: 'config',
    ethernet: { destination: 0x020000000001, source: 0x020000000002 },
    header: { version: 1, flags: 8, error: 0, major: 0, minor: 1, command: 1, tag: 0x12345678 },
    config: {
      bufferCount: 16,
      firmware: 0x4019,
      sectorCount: 2,
      version: 1,
      ccmd: 0,
      string: Buffer.alloc(0),
    },
  });
});

test('a write is read with its LBA little-endian and its data as a view', (t) => {
  const data = Buffer.alloc(512, 0xa5);
  const bytes = Buffer.concat([
    hex(`020000000002 020000000001 88a2 10 00 0102 03 00 00000007  41 00 01 34 0605040302 01 0000`),
    data,
  ]);
  const parsed = parseFrame(bytes);
  if (parsed.kind !== 'ata') return t.fail(parsed.kind);
  t.deepEqual(parsed.ata, { flags: 0x41, errFeature: 0, count: 1, cmdStatus: 0x34, lba: 0x010203040506 });
  t.is(parsed.header.major, 0x0102);
  t.is(parsed.header.minor, 3);
  t.deepEqual(parsed.data, data);
  bytes[36] = 0;
  t.is(parsed.data[0], 0, 'no copy was made');
  return;
});

test('the answer to a write keeps the write flag and carries no data', (t) => {
  const parsed = parseFrame(
    hex(
      `020000000001 020000000002 88a2 18 00 0000 01 00 00000007  41 00 02 40 000000000000 0000 ${zeros(24)}`,
    ),
  );
  if (parsed.kind !== 'ata') return t.fail(parsed.kind);
  t.is(parsed.data.length, 0);
  return;
});

test('a frame of another version is read, for the target to refuse', (t) => {
  const parsed = parseFrame(hex(`${ETHERNET} 20 00 ffff ff 01 00000001 ${zeros(36)}`));
  t.is(parsed.kind, 'config');
  t.is(parsed.kind === 'fault' ? undefined : parsed.header.version, 2);
});

test('commands 0xF0 to 0xFF are vendor commands, 4 to 0xEF unknown ones, and keep their bytes', (t) => {
  for (let command = 4; command <= 0xff; command++) {
    const bytes = hex(`${ETHERNET} 10 00 0000 01 ${command.toString(16).padStart(2, '0')} 00000001 c0ffee`);
    const parsed = parseFrame(bytes);
    if (parsed.kind !== 'vendor' && parsed.kind !== 'unknown') return t.fail(parsed.kind);
    t.is(parsed.kind, command >= 0xf0 ? 'vendor' : 'unknown');
    t.deepEqual(parsed.body, hex('c0ffee'));
  }
  return;
});

test('a Uint8Array that is no Buffer, somewhere within its memory, is read', (t) => {
  const memory = new Uint8Array(100);
  memory.set(hex(`${ETHERNET} 10 00 ffff ff 01 0000abcd`), 17);
  const parsed = parseFrame(memory.subarray(17, 77));
  t.is(parsed.kind === 'fault' ? undefined : parsed.header.tag, 0xabcd);
});

test('building refuses a field that does not fit', (t) => {
  const frame = parseFrame(hex(`${ETHERNET} 10 00 ffff ff 01 0000abcd`)) as Frame;
  t.throws(() => buildFrame({ ...frame, header: { ...frame.header, major: 0x10000 } }), {
    instanceOf: RangeError,
  });
});

test('what is built is read back the same, for all commands', (t) => {
  fc.assert(
    fc.property(anyFrame, (frame) => {
      const bytes = buildFrame(frame);
      t.true(bytes.length >= 60);
      t.deepEqual(parseFrame(bytes), frame);
    }),
    { numRuns: 500 },
  );
});

test('a canonical frame is built again byte for byte', (t) => {
  fc.assert(
    fc.property(anyFrame, (frame) => {
      const bytes = buildFrame(frame);
      const parsed = parseFrame(bytes);
      t.not(parsed.kind, 'fault');
      t.deepEqual(buildFrame(parsed as Frame), bytes);
    }),
    { numRuns: 500 },
  );
});

test('arbitrary bytes give a frame or a fault, never an exception', (t) => {
  const behindHeader = fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 700 })).map(([command, rest]) => {
    return Buffer.concat([hex(`${ETHERNET} 10 00 0000 01`), Buffer.of(command, 0, 0, 0, 1), rest]);
  });
  const kinds = new Set<string>();
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), behindHeader), (bytes) => {
      kinds.add(parseFrame(bytes).kind);
    }),
    { numRuns: 3000 },
  );
  t.true(kinds.has('fault') && kinds.has('vendor') && kinds.has('unknown'));
});

test('cut anywhere, a frame gives a frame or a fault', (t) => {
  fc.assert(
    fc.property(anyFrame, fc.nat(1600), (frame, length) => {
      t.is(typeof parseFrame(buildFrame(frame).subarray(0, length)).kind, 'string');
    }),
  );
});
