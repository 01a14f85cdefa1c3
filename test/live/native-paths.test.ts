/** One native target on two wires: who may use it, and what becomes of a copy when one of them is cut. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { here } from '../../src/hosts/host/local.js';
import { AoeError } from '../../src/wire/aoe/index.js';
import {
  AoeAnswerError,
  MaskAnswerError,
  NoAnswerError,
  type OpenOptions,
  openTarget,
  type Target,
} from '../../src/wire/initiator/index.js';
import type { CopyReport } from '../../src/wire/initiator/meter.js';
import type { Link } from '../../src/wire/link/index.js';
import { openPacketLink } from '../../src/wire/link/packet.js';
import { ADDRESS } from '../wire/native/bench-top.js';
import { jsonHere, MAIN } from './support/cli.js';
import { noRoot, testUnless } from './support/machine.js';
import { startNative } from './support/native-process.js';
import { testWire } from './support/wire.js';

const reason = noRoot();
const SIZE = 64 << 20;
const TARGET = { ...ADDRESS, slot: 1 };
/** So that an answer that must not come is not waited for too long. */
const SHORT: OpenOptions = { timeout: 500, findTimeout: 500 };

/** Native as e7.1 on two veth pairs, the initiators' ends being `ini` and `ini2`. */
async function lab(t: ExecutionContext) {
  const wire = await testWire(t, 9000);
  const ip = (...argv: string[]) => here.run(['ip', '-n', wire.netns, 'link', ...argv]);
  await ip('add', 'tgt2', 'mtu', '9000', 'type', 'veth', 'peer', 'name', 'ini2', 'mtu', '9000');
  for (const end of ['tgt2', 'ini2']) await ip('set', end, 'addrgenmode', 'none', 'up');
  const path = join(wire.folder, 'disk');
  await writeFile(path, '');
  await truncate(path, SIZE);
  const exports = ['tgt', 'tgt2'].map((iface) => ({ ...TARGET, iface, path }));
  const start = () => startNative(t, wire, { exports });
  const native = await start();
  const open = async (iface: string): Promise<Link> => {
    const link = await openPacketLink({ iface, netns: wire.netns });
    t.teardown(() => link.close());
    return link;
  };
  return { wire, ip, path, native, start, links: [await open('ini'), await open('ini2')] as [Link, Link] };
}

async function isRefused(t: ExecutionContext, doing: Promise<unknown>, what: string): Promise<void> {
  const error = await t.throwsAsync(doing, { instanceOf: AoeAnswerError }, what);
  t.is((error as AoeAnswerError | undefined)?.code, AoeError.targetReserved, what);
}

testUnless(reason, 'native: the mask list decides who is heard, also after kill -9', async (t) => {
  const { native, start, links } = await lab(t);
  const [one, other] = links;
  const mine = await openTarget(one, TARGET);
  const theirs = await openTarget(other, TARGET, SHORT);
  t.deepEqual(await mine.access.maskList(), []);
  t.deepEqual(await mine.access.editMasks({ add: [one.mac, other.mac] }), [one.mac, other.mac]);
  t.is((await theirs.read(0, 1)).length, 512);
  t.deepEqual(await mine.access.editMasks({ remove: [other.mac] }), [one.mac]);
  await t.throwsAsync(theirs.read(0, 1), { instanceOf: NoAnswerError });
  t.is((await mine.read(0, 1)).length, 512);
  const many = Array.from({ length: 200 }, (_, index) => 0x02_00_00_01_00_00 + index);
  const full = await t.throwsAsync(mine.access.editMasks({ add: many }), { instanceOf: MaskAnswerError });
  t.is((full as MaskAnswerError | undefined)?.code, 3);
  const list = await mine.access.maskList();
  // Those before the one that did not fit are on it.
  t.deepEqual(list, [one.mac, ...many.slice(0, list.length - 1)]);
  await native.kill('SIGKILL');
  await start();
  t.deepEqual(await mine.access.maskList(), list);
  await t.throwsAsync(theirs.read(0, 1), { instanceOf: NoAnswerError });
  t.deepEqual(await mine.access.editMasks({ remove: list }), []);
  t.is((await theirs.read(0, 1)).length, 512);
});

testUnless(reason, 'native: a reservation keeps others out on every wire, also after kill -9', async (t) => {
  const { native, start, links } = await lab(t);
  const [one, other] = links;
  const [mine, theirs] = (await Promise.all(links.map((link) => openTarget(link, TARGET)))) as [
    Target,
    Target,
  ];
  t.deepEqual(await theirs.access.reservation(), []);
  t.deepEqual(await mine.access.reserve([one.mac]), [one.mac]);
  await isRefused(t, theirs.read(0, 1), 'read');
  await isRefused(t, theirs.write(0, Buffer.alloc(512)), 'write');
  await isRefused(t, theirs.access.reserve([other.mac]), 'reserve');
  await isRefused(t, theirs.access.release(), 'release');
  t.is((await theirs.identify()).serial, (await mine.identify()).serial);
  t.deepEqual(await theirs.access.reservation(), [one.mac]);
  await native.kill('SIGKILL');
  await start();
  await isRefused(t, theirs.read(0, 1), 'read after kill -9');
  t.deepEqual(await mine.access.reserve([one.mac, other.mac]), [one.mac, other.mac]);
  t.is((await theirs.read(0, 1)).length, 512);
  await theirs.access.release();
  t.deepEqual(await theirs.access.reserve([other.mac]), [other.mac]);
  await isRefused(t, mine.read(0, 1), 'read by the first');
  t.deepEqual(await mine.access.reserve([one.mac], { force: true }), [one.mac]);
  t.is((await mine.read(0, 1)).length, 512);
  await mine.access.release();
  t.is((await theirs.read(0, 1)).length, 512);
});

testUnless(
  reason,
  'native: a copy by two wires goes on when one is cut, and uses it again later',
  async (t) => {
    const { wire, ip, path } = await lab(t);
    const data = randomBytes(SIZE);
    const ways = ['--iface', 'ini', '--iface', 'ini2', '--netns', wire.netns];
    const child = spawn(process.execPath, [MAIN, 'write', 'e7.1', ...ways, '--json'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    const out: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    const feed = (part: Buffer) =>
      new Promise<void>((resolve, reject) => {
        child.stdin.write(part, (error) => (error ? reject(error) : resolve()));
      });
    await feed(data.subarray(0, SIZE / 2));
    await ip('set', 'tgt2', 'down');
    await feed(data.subarray(SIZE / 2));
    child.stdin.end();
    t.deepEqual(await once(child, 'close'), [0, null]);
    const written = JSON.parse(Buffer.concat(out).toString()) as CopyReport;
    t.true(data.equals(await readFile(path)));
    t.like(written.paths[0], { isUsed: true, left: 0 });
    t.like(written.paths[1], { isUsed: false, left: 1 });
    t.true((written.paths[1]?.answered ?? 0) > 0);
    await ip('set', 'tgt2', 'up');
    const copy = join(wire.folder, 'copy');
    const read = await jsonHere<CopyReport>(['read', 'e7.1', ...ways, '--output', copy], {});
    t.true(data.equals(await readFile(copy)));
    t.is(read.sha256, written.sha256);
    t.true(read.paths.every(({ isUsed, answered }) => isUsed && answered > 100));
  },
);
