import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import test from 'ava';
import { LabError } from '../../../src/base/errors.js';
import { programsFolder } from '../../../src/base/files/paths.js';
import { frameLine } from '../../../src/face/ui/dissect.js';
import { openTarget } from '../../../src/wire/initiator/index.js';
import { Capture } from '../../../src/wire/link/capture.js';
import { Hub } from '../../../src/wire/link/hub.js';
import { openPacketLink } from '../../../src/wire/link/packet.js';
import { type WatchedFrame, watch } from '../../../src/wire/link/watch.js';
import { temporaryFolder } from '../../base/temporary.js';
import { FakeTarget } from '../initiator/fake-target.js';
import { makeWire, whyNoWire } from './veth.js';

const why = await whyNoWire();
const live = why === undefined ? test.serial : test.skip;
const reason = why === undefined ? '' : ` (skipped: ${why})`;

const CLIENT = 0x02_00_00_00_00_01;
const TARGET = 0x02_00_00_00_00_02;

test('frames that pass a hub are watched in words, and end after a number', async (t) => {
  const hub = new Hub({ kind: 'hub' });
  const client = hub.plug(CLIENT);
  const fake = new FakeTarget(hub.plug(TARGET), { sectors: 64 });
  const watcher = hub.plug(0x02_00_00_00_00_03);
  const seen: WatchedFrame[] = [];
  const target = await openTarget(client, { shelf: 0, slot: 1 });
  const before = fake.requests.length;
  const watching = watch(watcher, { most: 6, onFrame: (frame) => seen.push(frame) });
  const noise = Buffer.alloc(60);
  client.send(noise);
  await target.queryConfig();
  await target.identify();
  await target.read(10, 2);
  const { seconds, ...summary } = await watching;
  t.true(seconds > 0);
  t.deepEqual(summary, { frames: 6, requests: 3, responses: 3, troubles: 0 });
  t.deepEqual(
    seen.map(({ kind, text }) => `${kind} ${text}`),
    [
      'request config read',
      'response config read: config "", 16 buffers, 2 sectors a frame, firmware 0x4019, AoE version 1',
      'request identify',
      'response identify: 1 sector of data',
      'request read 2 sectors at LBA 10',
      'response read 2 sectors at LBA 10: 2 sectors of data',
    ],
  );
  t.is(fake.requests.length, before + 3);
  t.is(watcher.onFrame, undefined);
  await hub.close();
});

test('a watch is ended from outside; a capture that can not be written ends it by itself', async (t) => {
  const hub = new Hub();
  const link = hub.plug(CLIENT);
  const end = new AbortController();
  const watching = watch(link, { signal: end.signal, onFrame: () => t.fail() });
  end.abort();
  t.is((await watching).frames, 0);
  t.is((await watch(link, { milliseconds: 1, onFrame: () => {} })).frames, 0);
  const other = hub.plug(TARGET);
  const full = watch(link, { capture: new Capture('/dev/full'), onFrame: () => {} });
  const frame = Buffer.alloc(60, 0xff);
  frame.writeUInt16BE(0x88a2, 12);
  other.send(frame);
  await t.throwsAsync(full, { instanceOf: LabError, message: /ENOSPC.* 0 frames were seen/ });
  await hub.close();
});

test('a frame is one line for the terminal', (t) => {
  const frame: WatchedFrame = {
    source: '02:00:00:00:00:01',
    destination: 'broadcast',
    target: 'e*.*',
    kind: 'request',
    tag: '00000001',
    text: 'config read',
    isTrouble: false,
    isRepeated: true,
    roundTrip: undefined,
    time: new Date(2024, 0, 2, 3, 4, 5, 6).getTime() + 0.789,
    way: 'out',
    length: 60,
  };
  const start = String.fromCharCode(27);
  const plain = (line: string): string => line.replaceAll(new RegExp(`${start}\\[\\d+m`, 'g'), '');
  t.regex(
    plain(frameLine(frame)),
    /^03:04:05\.00678\d → 02:00:00:00:00:01 > broadcast {8} e\*\.\* {3}config read again$/,
  );
  const answer = { ...frame, kind: 'response' as const, way: undefined, isRepeated: false, roundTrip: 1.234 };
  t.regex(plain(frameLine(answer)), / config read 1\.23 ms$/);
});

live(`capture shows and writes what passes an interface either way${reason}`, async (t) => {
  const path = join(await temporaryFolder(t), 'c.pcapng');
  const wire = await makeWire();
  t.teardown(() => wire.remove());
  const main = join(programsFolder, 'aoe-lab.cjs');
  const place = ['--iface', 'v0', '--netns', wire.left];
  const far = await openPacketLink({ iface: 'v0', netns: wire.right });
  const near = await openPacketLink({ iface: 'v0', netns: wire.left });
  t.teardown(() => Promise.all([far.close(), near.close()]));
  new FakeTarget(far, { sectors: 64 });
  const target = await openTarget(near, { shelf: 0, slot: 1 });
  const child = spawn(process.execPath, [main, 'capture', ...place, '--write', path, '--count', '6'], {
    env: { ...process.env, NO_COLOR: '1' },
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  const ended = once(child, 'close');
  const [first] = (await once(child.stderr, 'data')) as [Buffer];
  t.regex(first.toString(), /^listening on v0 in namespace/);
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  await target.queryConfig();
  await target.identify();
  await target.read(10, 2);
  t.deepEqual(await ended, [0, null]);
  const lines = Buffer.concat(out).toString().trimEnd().split('\n');
  t.is(lines.length, 6);
  t.regex(lines[4] as string, / → .* e0\.1 +read 2 sectors at LBA 10$/);
  t.regex(lines[5] as string, / ← .* e0\.1 +read 2 sectors at LBA 10: 2 sectors of data \d+\.\d\d ms$/);
  t.regex(Buffer.concat(err).toString(), /6 frames in .*: 3 requests, 3 answers, 0 with errors; in /);
  const tshark = spawnSync('tshark', [
    '-r',
    path,
    '-T',
    'fields',
    '-e',
    'aoe.aflags.w',
    '-e',
    'frame.packet_flags_direction',
  ]);
  if (tshark.status === 0) {
    const ways = tshark.stdout
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => Number(line.split('\t')[1]));
    t.deepEqual(ways, [2, 1, 2, 1, 2, 1]);
  }
});

live(`capture ends at its time, by an interrupt${reason}`, async (t) => {
  const wire = await makeWire();
  t.teardown(() => wire.remove());
  const main = join(programsFolder, 'aoe-lab.cjs');
  const start = (...more: string[]) =>
    spawn(process.execPath, [main, 'capture', '--iface', 'v0', '--netns', wire.left, ...more]);
  t.deepEqual(await once(start('--seconds', '0.01', '--json'), 'close'), [0, null]);
  const interrupted = start();
  await once(interrupted.stderr, 'data');
  interrupted.kill('SIGINT');
  t.deepEqual(await once(interrupted, 'close'), [0, null]);
  const wrong = start('--seconds', 'x');
  t.deepEqual(await once(wrong, 'close'), [2, null]);
});
