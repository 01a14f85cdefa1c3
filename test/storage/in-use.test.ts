import { execFileSync, spawn } from 'node:child_process';
import { link, mkdir, open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { here, LocalHost } from '../../src/host/local.js';
import { attachLoop, detachLoop } from '../../src/storage/loop.js';
import { noRoot, testUnless } from '../live/machine.js';
import { temporaryFolder } from '../temporary.js';
import { users } from './survey.js';

async function image(folder: string, name: string, size = 1 << 24): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, '');
  await truncate(file, size);
  return file;
}

test('A5: a program that has a file open for writing is named, by any of its names; a reader is not', async (t) => {
  const folder = await temporaryFolder(t);
  const file = await image(folder, 'a.img');
  await link(file, join(folder, 'hard.img'));
  const reader = await open(file, 'r');
  try {
    t.deepEqual(await users(join(folder, 'hard.img')), []);
  } finally {
    await reader.close();
  }
  const writer = await open(file, 'r+');
  try {
    const found = await users(join(folder, 'hard.img'));
    t.deepEqual(found, [{ kind: 'in-use', text: `process ${process.pid} has it open for writing` }]);
  } finally {
    await writer.close();
  }
  t.deepEqual(await users(file), []);
});

test('A5: a lock on a file is seen', async (t) => {
  const file = await image(await temporaryFolder(t), 'locked.img');
  const holder = spawn('flock', ['--no-fork', file, 'sh', '-c', 'echo held; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.teardown(() => holder.kill());
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  const found = await users(file);
  t.true(
    found.some(({ text }) => /has locked it/.test(text)),
    JSON.stringify(found),
  );
});

testUnless(noRoot(), 'A4: a file behind a loop device, and a mounted one, are found', async (t) => {
  const folder = await temporaryFolder(t);
  const file = await image(folder, 'disk.img');
  execFileSync('mke2fs', ['-q', '-F', file]);
  const device = await attachLoop(here, file, { readOnly: false, directIo: false });
  const place = join(folder, 'mounted here');
  await mkdir(place);
  // In a mount namespace of its own: those that others make meanwhile keep a copy of each mount that they find.
  const mounter = spawn(
    'unshare',
    ['--mount', 'sh', '-c', 'mount "$0" "$1" && echo held && read -r _; umount "$1"', device, place],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const ended = new Promise((resolve) => mounter.once('exit', resolve));
  try {
    await new Promise((resolve) => mounter.stdout.once('data', resolve));
    const mounted = { kind: 'mounted', text: `${device} is mounted on ${place}` };
    const [found] = await users(device);
    t.is(found?.kind, 'mounted');
    t.true(found?.text.startsWith(mounted.text), found?.text);
    const inside = new LocalHost();
    const run = inside.run.bind(inside);
    inside.run = (argv, options) =>
      run(['nsenter', `--mount=/proc/${mounter.pid}/ns/mnt`, '--', ...argv], options);
    t.deepEqual(await users(device, inside), [mounted]);
    t.deepEqual((await users(file, inside))[0], mounted);
  } finally {
    mounter.stdin.end();
    await ended;
    await detachLoop(here, device);
  }
  t.deepEqual(await users(file), []);
});

testUnless(noRoot(), 'A5: a device that a program holds exclusively is in use', async (t) => {
  const file = await image(await temporaryFolder(t), 'held.img');
  const device = await attachLoop(here, file, { readOnly: false, directIo: false });
  // O_EXCL, as a file system that no mount names (btrfs' second disk) holds it.
  const holder = spawn(
    'perl',
    ['-MFcntl', '-e', 'sysopen(F,$ARGV[0],O_RDONLY|O_EXCL) or die; $|=1; print "held"; sleep 60', device],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = new Promise((resolve) => holder.once('exit', resolve));
  try {
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    const found = await users(device);
    t.like(found, [{ kind: 'in-use' }]);
    t.regex(found[0]?.text ?? '', /exclusively/);
  } finally {
    holder.kill();
    await ended;
    await detachLoop(here, device);
  }
});
