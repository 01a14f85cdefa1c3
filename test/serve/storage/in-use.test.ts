import { execFileSync, spawn } from 'node:child_process';
import { link, mkdir, open, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { UsageError } from '../../../src/base/errors.js';
import { openOutput } from '../../../src/base/files/open-output.js';
import { here, LocalHost } from '../../../src/hosts/host/local.js';
import { judgeOverwrite } from '../../../src/serve/exports/overwrite.js';
import { attachLoop, detachLoop } from '../../../src/serve/storage/loop.js';
import { parseSurvey } from '../../../src/serve/storage/survey-text.js';
import { folderOfFile, temporaryFolder } from '../../base/temporary.js';
import { fuse, noFuse } from '../../live/support/fuse.js';
import { noRoot, testUnless } from '../../live/support/machine.js';
import { nodeOf, surveyOf } from './disks.js';
import { users, usersIn } from './survey.js';

process.env.AOE_LAB_STATE = folderOfFile();

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

testUnless(noFuse(), 'A5: what others have open on a server that is away holds up nobody', async (t) => {
  const folder = await temporaryFolder(t);
  const file = await image(folder, 'local.img');
  const { folder: remote, stop } = await fuse(t, folder, { size: 4096 });
  const holder = spawn(
    'flock',
    [
      '--no-fork',
      join(remote, 'disk0'),
      'sh',
      '-c',
      'exec 4>> "$0/disk1"; exec 5>> "$1"; echo held; exec sleep 60',
      remote,
      file,
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  t.teardown(() => holder.kill('SIGKILL'));
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  const there = await users(join(remote, 'disk1'));
  t.deepEqual(there, [{ kind: 'in-use', text: `process ${holder.pid} has it open for writing` }]);
  await stop();
  t.deepEqual(await users(file), [{ kind: 'in-use', text: `process ${holder.pid} has it open for writing` }]);
  // Whose stat(1) can't leave the server alone.
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'stat'), '#!/bin/sh\nexec busybox stat "$@"\n', { mode: 0o755 });
  const before = process.env.PATH;
  process.env.PATH = `${bin}:${before}`;
  t.teardown(() => {
    process.env.PATH = before;
  });
  t.deepEqual(await users(file), [{ kind: 'in-use', text: `process ${holder.pid} has it open for writing` }]);
});

testUnless(noRoot(), 'A5: a program that has the file behind a loop device open, or locked', async (t) => {
  const file = await image(await temporaryFolder(t), 'behind.img');
  const device = await attachLoop(here, file, { readOnly: false, directIo: false });
  t.teardown(() => detachLoop(here, device));
  t.deepEqual(await users(device), []);
  const holder = spawn(
    'flock',
    ['--no-fork', file, 'sh', '-c', 'exec 4>> "$0"; echo held; exec sleep 60', file],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  t.teardown(() => holder.kill());
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  t.deepEqual(await users(device), [
    { kind: 'in-use', text: `process ${holder.pid} has locked the file behind it` },
    { kind: 'in-use', text: `process ${holder.pid} has the file behind it open for writing` },
  ]);
});

testUnless(noRoot(), 'A5: a link of anybody’s in /dev hides nothing', async (t) => {
  const file = await image(await temporaryFolder(t), 'attached.img');
  const device = await attachLoop(here, file, { readOnly: false, directIo: false });
  t.teardown(() => detachLoop(here, device));
  const link = join('/dev/shm', `aoe-lab-test-${process.pid}\n@blocks\nx`);
  await symlink('/dev/null', link);
  t.teardown(() => unlink(link));
  t.deepEqual(await users(file), [{ kind: 'in-use', text: `it is attached as ${device}` }]);
});

const OVERLAY =
  'mount -t tmpfs t "$1" && cd "$1" && mkdir upper work && mount -t overlay -o lowerdir="$2",upperdir=upper,workdir=work o "$3"';

testUnless(
  noRoot(),
  'A5: a lock is seen where the kernel tells the file by another number than stat',
  async (t) => {
    const folder = await temporaryFolder(t);
    const [low, top, place] = ['low', 'top', 'place'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    for (const one of [low, top, place]) await mkdir(one);
    await image(low, 'disk.img');
    execFileSync('sh', ['-c', OVERLAY, 'sh', top, low, place]);
    t.teardown(() => execFileSync('umount', ['-l', place, top]));
    const file = join(place, 'disk.img');
    const holder = spawn('flock', ['--no-fork', '--shared', file, 'sh', '-c', 'echo held; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    t.teardown(() => holder.kill());
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    t.deepEqual(await users(file), [{ kind: 'in-use', text: `process ${holder.pid} has locked it` }]);
  },
);

/** Of a file on btrfs: its subvolume's number is 0:51, that of its superblock 0:32. */
const NODE = '81a4 51 257 1700000000 1048576 2048 0 0 0';
for (const [title, locks, lockers, found] of [
  [
    'by the one who has it open',
    ['1: POSIX  ADVISORY  WRITE 812 00:20:257 0 EOF', '2: FLOCK  ADVISORY  WRITE 7 fe:00:257 0 EOF'],
    [`${NODE} /proc/812/fd/9 lock:\t1: POSIX  ADVISORY  WRITE 812 00:20:257 0 EOF`],
    ['process 812 has locked it'],
  ],
  [
    'by QEMU, whose locks name nobody',
    ['1: OFDLCK ADVISORY  READ -1 00:20:257 100 101'],
    [`${NODE} /proc/90/fd/4 lock:\t1: OFDLCK ADVISORY  READ -1 00:20:257 100 101`],
    ['process 90 has locked it'],
  ],
  [
    'and not of the same number in another subvolume',
    ['1: POSIX  ADVISORY  WRITE 812 00:20:257 0 EOF'],
    [`${NODE.replace(' 51 ', ' 52 ')} /proc/812/fd/9 lock:\t1: POSIX  ADVISORY  WRITE 812 00:20:257 0 EOF`],
    [],
  ],
  [
    'by one who is not seen, where the numbers are the same',
    ['1: OFDLCK ADVISORY  WRITE -1 00:33:257 0 EOF'],
    [],
    ['a program has locked it, as QEMU locks images'],
  ],
] as const) {
  test(`A5: on btrfs a lock is seen ${title}`, (t) => {
    const text = ['@name 0', `node ${NODE}`, '@locks', ...locks, '@lockers', ...lockers, '@end'].join('\n');
    t.deepEqual(
      usersIn(parseSurvey(text, ['/srv/disk']), '/srv/disk').map((finding) => finding.text),
      [...found],
    );
  });
}

test('A5: a swap file, and a swap device by itself and by its disk, are in use', (t) => {
  const swapFile = ['@name 0', `node ${NODE}`, '@swaps', 'swap /srv/swap\\040file', `node ${NODE}`, '@end'];
  t.deepEqual(usersIn(parseSurvey(swapFile.join('\n'), ['/srv/swap file']), '/srv/swap file'), [
    { kind: 'swap', text: 'it is in use as swap' },
  ]);
  const disks = ['sda', 'sda1', 'sda2', 'sdb'];
  const snapshot = surveyOf(disks, '@swaps', 'swap /dev/sda1', `node ${nodeOf('sda1')}`);
  const swap = [{ kind: 'swap', text: '/dev/sda1 is in use as swap' }];
  for (const disk of disks) {
    const found = usersIn(snapshot, `/dev/${disk}`).filter(({ kind }) => kind === 'swap');
    t.deepEqual(found, /^sda1?$/.test(disk) ? swap : [], disk);
  }
});

testUnless(
  noRoot(),
  'A4, data: a file behind a loop device, and a mounted one, are found, and no output of a command',
  async (t) => {
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
      const overwritten = openOutput(device, { judge: judgeOverwrite });
      await t.throwsAsync(overwritten, { instanceOf: UsageError, message: /is mounted on .*mounted here/ });
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
  },
);

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
