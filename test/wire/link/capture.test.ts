import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { LabError } from '../../../src/base/errors.js';
import { packageRoot } from '../../../src/base/files/paths.js';
import { AtaCommand, BROADCAST, buildFrame, requestHeader } from '../../../src/wire/aoe/index.js';
import { Capture, tap } from '../../../src/wire/link/capture.js';
import { MemorySegment } from '../../../src/wire/link/memory.js';
import { temporaryFolder } from '../../base/temporary.js';

const A = 0x02_00_00_00_00_0a;
const B = 0x02_00_00_00_00_0b;

function hasTool(name: string): boolean {
  return spawnSync(name, ['--version']).status === 0;
}

/** `test` where a tool is, a skip that says why elsewhere. */
function testWith(tool: string, title: string, body: (t: ExecutionContext) => Promise<void>): void {
  if (hasTool(tool)) test(title, body);
  else test.skip(`${title} (skipped: needs ${tool})`, body);
}

function identify(tag: number, destination = B): Buffer {
  return buildFrame({
    kind: 'ata',
    ethernet: { source: A, destination },
    header: requestHeader(3, 4, 0, tag),
    ata: { flags: 0, errFeature: 0, count: 1, cmdStatus: AtaCommand.identifyDevice, lba: 0 },
    data: Buffer.alloc(0),
  });
}

/** Blocks of a file as [type, body]; checks that each ends as it begins, and the file with a block. */
function blocks(bytes: Buffer): [type: number, body: Buffer][] {
  const found: [number, Buffer][] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const length = bytes.readUInt32LE(offset + 4);
    if (length % 4 !== 0 || bytes.readUInt32LE(offset + length - 4) !== length) throw new Error('no block');
    found.push([bytes.readUInt32LE(offset), bytes.subarray(offset + 8, offset + length - 4)]);
    offset += length;
  }
  return found;
}

test('whatever is recorded stands in whole blocks, byte for byte', async (t) => {
  const path = join(await temporaryFolder(t), 'c.pcapng');
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (frames) => {
      const capture = new Capture(path, { now: () => 2n ** 60n + 5n });
      const iface = capture.addInterface({ name: 'x', mac: A, mtu: 1500 });
      for (const frame of frames) capture.record(iface, frame, 'in');
      capture.close();
      const found = blocks(readFileSync(path));
      t.deepEqual(
        found.map(([type]) => type),
        [0x0a0d0d0a, 1, ...frames.map(() => 6)],
      );
      for (const [index, frame] of frames.entries()) {
        const body = (found[index + 2] as [number, Buffer])[1];
        t.is(body.readUInt32LE(4) * 2 ** 32, 2 ** 60);
        t.is(body.readUInt32LE(8), 5);
        t.deepEqual(new Uint8Array(body.subarray(20, 20 + body.readUInt32LE(12))), frame);
      }
    }),
    { numRuns: 50 },
  );
});

testWith('tshark', 'tshark reads frames, ways, interfaces, nanoseconds and comments', async (t) => {
  const path = join(await temporaryFolder(t), 'c.pcapng');
  let now = 1_700_000_000_123_456_789n;
  const capture = new Capture(path, { now: () => now++ });
  const one = capture.addInterface({ name: 'eth0', mac: A, mtu: 1500 });
  const two = capture.addInterface({ name: 'eth1', mac: B, mtu: 9000 });
  capture.record(one, identify(7), 'out');
  capture.record(two, identify(7), 'in', 'seen twice');
  capture.record(one, identify(8, BROADCAST), undefined);
  capture.close();
  const columns = [
    'frame.interface_name',
    'frame.time_epoch',
    'frame.packet_flags_direction',
    'frame.packet_flags_reception_type',
    'aoe.tag',
    'aoe.major',
    'frame.comment',
  ];
  const fields = columns.flatMap((name) => ['-e', name]);
  const out = execFileSync('tshark', ['-r', path, '-T', 'fields', '-E', 'separator=|', ...fields]).toString();
  // Versions of tshark differ in how they write numbers.
  const rows = out
    .trimEnd()
    .split('\n')
    .map((line) => line.split('|').map((cell) => (/^0x/.test(cell) ? String(Number(cell)) : cell)));
  t.deepEqual(rows, [
    ['eth0', '1700000000.123456789', '2', '1', '7', '3', ''],
    ['eth1', '1700000000.123456790', '1', '1', '7', '3', 'seen twice'],
    ['eth0', '1700000000.123456791', '0', '3', '8', '3', ''],
  ]);
});

testWith('capinfos', 'capinfos finds nothing amiss', async (t) => {
  const path = join(await temporaryFolder(t), 'c.pcapng');
  const capture = new Capture(path);
  const iface = capture.addInterface({ name: 'eth0', mac: A, mtu: 1500 });
  for (let tag = 1; tag <= 1000; tag++) capture.record(iface, identify(tag), 'out');
  capture.close();
  const out = execFileSync('capinfos', [path]).toString();
  t.regex(out, /File type: +Wireshark\/\.\.\. - pcapng/);
  t.regex(out, /Number of packets: +1,?000/);
  t.regex(out, /Strict time order: +True/);
  t.regex(out, /Name = eth0/);
  t.regex(out, /Encapsulation = Ethernet/);
  t.regex(out, /Time precision = nanoseconds \(9\)/);
});

test('a tap is a link: what passes either way is recorded, and what was not taken is marked', async (t) => {
  const path = join(await temporaryFolder(t), 'c.pcapng');
  const segment = new MemorySegment(9000);
  const inner = segment.join(A, 'a');
  const capture = new Capture(path);
  const link = tap(inner, capture);
  t.like(link, { name: 'a', mac: A, mtu: 9000, trouble: undefined });
  const other = segment.join(B, 'b');
  const atOther = new Promise<number>((resolve) => {
    other.onFrame = (frame) => resolve(frame.length);
  });
  t.true(link.send(identify(1)));
  t.is(await atOther, 60);
  // Nobody listens: recorded all the same.
  other.send(identify(2));
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  const heard = new Promise<number>((resolve) => {
    link.onFrame = (frame) => resolve(frame.readUInt32BE(20));
  });
  other.send(identify(3));
  t.is(await heard, 3);
  t.throws(() => link.send(Buffer.alloc(10_000)), { instanceOf: LabError });
  await link.close();
  t.throws(() => inner.send(identify(4)), { message: /closed/ });
  capture.close();
  t.is(capture.count, 3);
  const flags = blocks(readFileSync(path))
    .filter(([type]) => type === 6)
    .map(([, body]) => body.readUInt32LE(20 + 60 + 4) & 3);
  t.deepEqual(flags, [2, 1, 1]);
});

test('a capture that is killed is readable up to its last frames', async (t) => {
  const path = join(await temporaryFolder(t), 'c.pcapng');
  const module = join(packageRoot, 'dist', 'src', 'wire', 'link', 'capture.js');
  const script = `
    const { Capture } = await import(${JSON.stringify(module)});
    const capture = new Capture(${JSON.stringify(path)});
    const iface = capture.addInterface({ name: 'x', mac: 2, mtu: 1500 });
    const go = () => {
      for (let index = 0; index < 100; index++) capture.record(iface, Buffer.alloc(1000), 'in');
      if (capture.count === 1000) process.stdout.write('.');
      setImmediate(go);
    };
    go();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'close');
  t.true(blocks(readFileSync(path)).length >= 902);
});

test('a file that can not be made, and a disk that is full, are named', async (t) => {
  t.throws(() => new Capture('/nowhere/c.pcapng'), { instanceOf: LabError, message: /ENOENT/ });
  const full = new Capture('/dev/full');
  t.regex(String(full.trouble), /ENOSPC/);
  full.record(0, identify(1), 'in');
  t.is(full.count, 0);
  full.close();
});
