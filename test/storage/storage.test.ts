import { execFileSync } from 'node:child_process';
import { symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { here } from '../../src/host/local.js';
import { inspectBacking, isUntouched, makeBackingFile, objections } from '../../src/storage/backing.js';
import { attachLoop, detachLoop, listLoops } from '../../src/storage/loop.js';
import { noRoot, testUnless } from '../live/machine.js';
import { temporaryFolder } from '../temporary.js';

test('a missing file without a size is refused, and so is a folder that is not there', async (t) => {
  const folder = await temporaryFolder(t);
  await t.throwsAsync(inspectBacking(here, join(folder, 'a')), { message: /no such file/ });
  await t.throwsAsync(inspectBacking(here, join(folder, 'b', 'a'), 512), { message: /no folder/ });
});

test('sizes that are no whole sectors are refused, for new files and old ones', async (t) => {
  const folder = await temporaryFolder(t);
  await t.throwsAsync(inspectBacking(here, join(folder, 'a'), 1000), {
    message: /whole number of 512-byte sectors/,
  });
  await writeFile(join(folder, 'old'), 'x'.repeat(513));
  await t.throwsAsync(inspectBacking(here, join(folder, 'old')), { message: /whole number/ });
  await writeFile(join(folder, 'empty'), '');
  await t.throwsAsync(inspectBacking(here, join(folder, 'empty')), { message: /0 bytes/ });
});

test('a file that is there is neither grown nor shrunk', async (t) => {
  const file = join(await temporaryFolder(t), 'old');
  await writeFile(file, 'x'.repeat(1024));
  await t.throwsAsync(inspectBacking(here, file, 2048), { message: /there already/ });
  const { absent, size, kind } = await inspectBacking(here, file, 1024);
  t.deepEqual({ absent, size, kind }, { absent: false, size: 1024, kind: 'file' });
});

test('a folder is refused, a link is looked through', async (t) => {
  const folder = await temporaryFolder(t);
  await t.throwsAsync(inspectBacking(here, folder), { message: /neither a file nor a block device/ });
  await writeFile(join(folder, 'real'), 'x'.repeat(512));
  await symlink('real', join(folder, 'link'));
  t.is((await inspectBacking(here, join(folder, 'link'))).path, join(folder, 'real'));
});

test('a new file is sparse and has the size asked for; it counts as untouched until written', async (t) => {
  const file = join(await temporaryFolder(t), 'new');
  const backing = await inspectBacking(here, file, 1 << 30);
  t.true(backing.absent);
  await makeBackingFile(here, backing);
  const facts = await here.stat(file);
  t.is(facts?.size, 1 << 30);
  t.true(await isUntouched(here, file));
  await t.throwsAsync(makeBackingFile(here, backing), { message: /somebody made a file/ });
  await writeFile(file, 'data', { flag: 'r+' });
  execFileSync('sync', [file]);
  t.false(await isUntouched(here, file));
});

testUnless(noRoot(), 'a loop device is attached, found by its file, objected to, and detached', async (t) => {
  const file = join(await temporaryFolder(t), 'disk');
  await writeFile(file, '');
  await truncate(file, 1 << 20);
  t.deepEqual(await listLoops(here, file), []);
  const device = await attachLoop(here, file, { readOnly: true, directIo: false });
  try {
    t.deepEqual(await listLoops(here, file), [{ device, file, readOnly: true, directIo: false }]);
    t.true((await listLoops(here)).some((loop) => loop.device === device));
    const backing = await inspectBacking(here, device);
    t.deepEqual([backing.kind, backing.size], ['device', 1 << 20]);
    await t.throwsAsync(inspectBacking(here, device, 512), { message: /block device/ });
    t.deepEqual(await objections(here, await inspectBacking(here, file)), [`it is attached as ${device}`]);
    t.deepEqual(await objections(here, backing), []);
  } finally {
    await detachLoop(here, device);
  }
  t.deepEqual(await listLoops(here, file), []);
});

testUnless(noRoot(), 'a mounted device is objected to, and the disk it is a part of', async (t) => {
  const root = execFileSync('findmnt', ['--noheadings', '--nofsroot', '--output', 'SOURCE', '/'], {
    encoding: 'utf8',
  }).trim();
  if (!root.startsWith('/dev/')) {
    t.log('the root file system lies on no device here');
    t.pass();
    return;
  }
  const reasons = await objections(here, await inspectBacking(here, root));
  t.true(reasons.some((reason) => reason.includes('is mounted on')));
});
