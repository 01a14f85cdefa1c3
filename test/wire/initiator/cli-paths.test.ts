import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { programsFolder } from '../../../src/base/files/paths.js';
import { here } from '../../../src/hosts/host/local.js';
import { openPacketLink } from '../../../src/wire/link/index.js';
import { temporaryFolder } from '../../base/temporary.js';
import { makeWire, whyNoWire } from '../link/veth.js';
import { FakeTarget } from './fake-target.js';
import { pattern } from './lab.js';

/** read and write over two interfaces to one device, and after a kill. */

const MAIN = join(programsFolder, 'aoe-lab.cjs');
/** Four steps of a copy, of 1 MiB each. */
const SECTORS = 8192;
/** Many steps. */
const LARGE = 32_768;
const why = await whyNoWire();
const live = why === undefined ? test.serial : test.skip;
const reason = why === undefined ? '' : ` (skipped: ${why})`;

async function makeLab(t: ExecutionContext, sectors = SECTORS) {
  const folder = await temporaryFolder(t);
  const wire = await makeWire();
  t.teardown(() => wire.remove());
  const peer = ['peer', 'name', 'v1', 'netns', wire.right];
  await here.run(['ip', '-n', wire.left, 'link', 'add', 'v1', 'type', 'veth', ...peer]);
  for (const netns of [wire.left, wire.right]) await here.run(['ip', '-n', netns, 'link', 'set', 'v1', 'up']);
  const links = await Promise.all(['v0', 'v1'].map((iface) => openPacketLink({ iface, netns: wire.right })));
  t.teardown(() => Promise.all(links.map((link) => link.close())));
  const [one, two] = links.map((link) => new FakeTarget(link, { sectors })) as [FakeTarget, FakeTarget];
  Object.assign(two, { disk: one.disk });
  const start = (...argv: string[]) =>
    spawn(process.execPath, [MAIN, ...argv, '--netns', wire.left], { stdio: ['ignore', 'pipe', 'inherit'] });
  const json = async (...argv: string[]) => {
    const child = start(...argv, '--json');
    const out: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    t.deepEqual(await once(child, 'close'), [0, null]);
    return JSON.parse(Buffer.concat(out).toString());
  };
  return { folder, one, two, start, json };
}

const BOTH = ['--iface', 'v0', '--iface', 'v1'];

live(`read and write take several interfaces as paths, also where one is silent${reason}`, async (t) => {
  const { folder, one, two, json } = await makeLab(t);
  const data = pattern(SECTORS * 512);
  const [input, output] = [join(folder, 'in'), join(folder, 'out')];
  await writeFile(input, data);
  const written = await json('write', 'e0.1', ...BOTH, '--input', input);
  t.true(one.disk.equals(data));
  t.true(written.paths.every(({ answered }: { answered: number }) => answered > 0));
  two.deaf = true;
  const read = await json('read', 'e0.1', ...BOTH, '--output', output);
  t.true((await readFile(output)).equals(data));
  t.deepEqual(
    read.paths.map(({ isUsed }: { isUsed: boolean }) => isUsed),
    [true, false],
  );
});

live(`a write that is killed is gone on with${reason}`, async (t) => {
  const { folder, one, two, start, json } = await makeLab(t, LARGE);
  const data = pattern(LARGE * 512);
  const input = join(folder, 'in');
  await writeFile(input, data);
  // The devices answer slowly, one request at a time, so that a second passes after the first of many steps: then the place
  // reached is recorded, long before the copy is complete.
  for (const { options } of [one, two]) Object.assign(options, { thinks: 600, bufferCount: 2 });
  const first = start('write', 'e0.1', ...BOTH, '--input', input, '--resume');
  for (;;) {
    const text = await readFile(`${input}.resume`, 'utf8').catch(() => '');
    if (text !== '') break;
    if (first.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  t.is(first.exitCode, null, 'the copy was complete before it could be killed');
  first.kill('SIGKILL');
  await once(first, 'close');
  for (const { options } of [one, two]) Object.assign(options, { thinks: 0, bufferCount: 16 });
  const report = await json('write', 'e0.1', ...BOTH, '--input', input, '--resume');
  t.true(report.resumedAt > 0);
  t.true(one.disk.equals(data));
  t.is(spawnSync('ls', [folder]).stdout.toString(), 'in\n');
});
