import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { here } from '../../../src/hosts/host/local.js';
import { buildFrame, type Frame, formatMac } from '../../../src/wire/aoe/index.js';
import { anyFrame, ataFrame, configFrame } from './arbitraries.js';
import { pcap } from './pcap.js';

const FIELDS = [
  'eth.dst',
  'eth.src',
  'aoe.version',
  'aoe.response',
  'aoe.flags_error',
  'aoe.error',
  'aoe.major',
  'aoe.minor',
  'aoe.cmd',
  'aoe.tag',
  'aoe.aflags.e',
  'aoe.aflags.d',
  'aoe.aflags.a',
  'aoe.aflags.w',
  'aoe.err_feature',
  'aoe.sector_count',
  'aoe.ata.cmd',
  'aoe.ata.status',
  'aoe.lba',
];

const found = await here.run(['tshark', '--version']).then(
  () => true,
  () => false,
);
const run = found ? test : test.skip;
const reason = found ? '' : ' (skipped: tshark is not installed)';

async function dissect(frames: readonly Frame[]): Promise<string[][]> {
  const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-test-'));
  try {
    const file = join(folder, 'frames.pcap');
    await writeFile(file, pcap(frames.map(buildFrame)));
    const fields = FIELDS.flatMap((field) => ['-e', field]);
    const { stdout } = await here.run(
      ['tshark', '-r', file, '-T', 'fields', '-E', 'separator=,', ...fields],
      { accept: [0], env: { HOME: folder } },
    );
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(','));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What tshark is to say of a frame, by its fields. */
function expected({ ethernet, header, ...frame }: Frame): string[] {
  const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;
  const bit = (value: number, mask: number): string => (value & mask ? '1' : '0');
  const isResponse = (header.flags & 8) !== 0;
  const addresses = [formatMac(ethernet.destination), formatMac(ethernet.source), String(header.version)];
  // It stops behind a version that it does not know.
  if (header.version !== 1) return [...addresses, ...Array<string>(FIELDS.length - 3).fill('')];
  const common = [
    ...addresses,
    bit(header.flags, 8),
    bit(header.flags, 4),
    // tshark shows the error byte where the error flag is set.
    header.flags & 4 ? String(header.error) : '',
    hex(header.major, 4),
    hex(header.minor, 2),
    String(header.command),
    hex(header.tag, 8),
  ];
  if (frame.kind !== 'ata') return [...common, ...Array<string>(9).fill('')];
  const { ata } = frame;
  return [
    ...common,
    bit(ata.flags, 0x40),
    // D is shown of extended commands only, A of writes only.
    ata.flags & 0x40 ? bit(ata.flags, 0x10) : '',
    ata.flags & 0x01 ? bit(ata.flags, 0x02) : '',
    bit(ata.flags, 0x01),
    hex(ata.errFeature, 2),
    String(ata.count),
    isResponse ? '' : hex(ata.cmdStatus, 2),
    isResponse ? hex(ata.cmdStatus, 2) : '',
    hex(ata.lba, 16),
  ];
}

run(`tshark sees in 300 frames of every kind the fields that were put there${reason}`, async (t) => {
  const frames: Frame[] = [
    ...fc.sample(anyFrame, 150),
    ...fc.sample(ataFrame, 100),
    ...fc.sample(configFrame, 50),
  ].map((frame, index) => (index % 20 === 0 ? frame : { ...frame, header: { ...frame.header, version: 1 } }));
  const lines = await dissect(frames);
  t.is(lines.length, frames.length);
  for (const [index, frame] of frames.entries()) {
    t.deepEqual(lines[index], expected(frame), `frame ${index + 1}: ${JSON.stringify(frame.header)}`);
  }
});
