/** What the role is told to do, and what its scripts do of it, on a folder of this machine. */
import { spawnSync } from 'node:child_process';
import {
  link,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { UsageError } from '../../../src/base/errors.js';
import { answer } from '../../../src/manage/ansible/answer.js';
import { temporaryFolder } from '../../base/temporary.js';
import { noRoot, testUnless } from '../../live/support/machine.js';
import { loopOn, ownDev } from '../../live/support/own-dev.js';
import { AskedHost } from './asked.js';

const SIZE = 1 << 20;

/** A host whose lab exports a file that has another name, `hard.img`, too. */
async function withTwoNames(t: ExecutionContext): Promise<{ host: AskedHost; file: string }> {
  const host = await AskedHost.open(t);
  const file = join(host.folder, 'a.img');
  await writeFile(file, '');
  await truncate(file, SIZE);
  await link(file, join(host.folder, 'hard.img'));
  host.add(1, 'a.img');
  return { host, file };
}

test('a file that is missing is made, known by what it is, served, and nothing is left to do', async (t) => {
  const host = await AskedHost.open(t);
  const file = host.add(1, `it's "50%" $HOME {{ 7*7 }}.img`, { size: SIZE });
  const found = host.play();
  t.deepEqual(found.troubles, []);
  const { ino, size } = await stat(file);
  t.is(size, SIZE);
  const { phase, backing, serial, started, lab } = await host.entry(1);
  t.is(phase, 'running');
  t.like(backing, { name: file, path: file, opens: file, made: true, kind: 'file', size: SIZE });
  t.is(backing.making, undefined);
  t.is(backing.madeAs?.inode, String(ino));
  t.is(backing.identity?.kind === 'file' && backing.identity.inode, String(ino));
  t.truthy(serial);
  t.like(started, { index: 7, mac: '02:00:00:00:00:07', pids: [] });
  t.deepEqual(lab, { name: 'test', file });
  const again = host.ask();
  // That its unit runs is the one thing which is not so here.
  t.deepEqual([again.troubles, again.ends, again.makes, again.leaves], [[], false, false, false]);
  t.deepEqual(again.files, []);
});

test('what was killed between the making of a file and its name leaves nothing, and is made whole by the next', async (t) => {
  const host = await AskedHost.open(t);
  const file = host.add(1, 'a.img', { size: SIZE });
  host.carryOut(host.ask().prepare);
  t.is((await host.entry(1)).phase, 'starting');
  await t.throwsAsync(stat(file), { code: 'ENOENT' });
  host.play();
  t.is((await stat(file)).size, SIZE);
  t.is(
    spawnSync('sh', ['-c', 'ls -A "$1" | grep -c "^[.].*tmp$"', 'sh', host.folder], { encoding: 'utf8' })
      .stdout,
    '0\n',
  );
});

test('a file that was replaced, and one that is gone, are refused; nothing of them is touched', async (t) => {
  const host = await AskedHost.open(t);
  const file = host.add(1, 'a.img', { size: SIZE });
  host.play();
  await writeFile(join(host.folder, 'new'), 'theirs');
  await rename(join(host.folder, 'new'), file);
  t.regex(
    host.play().troubles.join(),
    /^e0\.1@san0: .*a\.img: it is another file than the file that was exported/,
  );
  t.is(await readFile(file, 'utf8'), 'theirs');
  t.throws(() => host.carryOut(host.ask().finish), { message: /something stands in the way/ });
  await rm(file);
  t.regex(host.play().troubles.join(), /it is gone; bring it back/);
  await t.throwsAsync(stat(file), { code: 'ENOENT' });
});

test('who uses a file is found as everywhere: programs, other exports by any name, folders, sizes', async (t) => {
  const { host, file } = await withTwoNames(t);
  const writer = await open(file, 'r+');
  t.regex(
    host.ask().troubles.join(),
    new RegExp(
      `^e0\\.1@san0: .*a\\.img: process ${process.pid} has it open for writing; .*allow: \\[in-use\\]`,
    ),
  );
  host.exports = [];
  host.add(1, 'a.img', { allow: ['in-use'] });
  const { troubles, warnings } = host.ask();
  t.deepEqual(troubles, []);
  t.regex(warnings.join(), /overridden: process \d+ has it open for writing/);
  await writer.close();
  host.add(2, 'hard.img');
  host.add(3, 'none/c.img', { size: SIZE });
  host.add(4, '.');
  host.add(5, '/dev/aoe-not-there');
  host.add(6, 'a.img', { iface: 'eth9' });
  const found = host.ask().troubles.join('\n');
  for (const pattern of [
    /^e0\.2@san0: .*hard\.img: it is exported as e0\.1@san0;/m,
    /^e0\.3@san0: .*: there is no folder /m,
    /^e0\.4@san0: .*: it is neither a file nor a block device/m,
    /^e0\.5@san0: .*: there is no such device/m,
    /^e0\.6@eth9: interface eth9: there is no such interface/m,
  ]) {
    t.regex(found, pattern);
  }
});

test('a file that grew is judged anew: its slice, and the size that the lab says', async (t) => {
  const host = await AskedHost.open(t);
  const file = host.add(1, 'a.img', { size: SIZE });
  host.play();
  await truncate(file, 2 * SIZE);
  t.regex(host.ask().troubles.join(), /it is there already, with 2 MiB .* rather than 1 MiB/);
  host.exports = [];
  host.add(1, 'a.img');
  t.deepEqual(host.play().troubles, []);
  const { backing } = await host.entry(1);
  t.deepEqual([backing.size, backing.made], [2 * SIZE, true]);
  t.truthy(backing.madeAs);
});

test('what an earlier role exported is taken as it is found, without another serial number', async (t) => {
  const host = await AskedHost.open(t);
  host.add(1, 'a.img', { size: SIZE });
  host.play();
  const { serial: _, started: __, ...entry } = await host.entry(1);
  const { path, kind, size, made, loop, loopsBefore } = entry.backing;
  const old = { ...entry, backing: { path, kind, size, made, loop, loopsBefore } };
  await writeFile(join(host.state, 'exports', 'e0.1@san0.json'), JSON.stringify(old));
  t.deepEqual(host.play().troubles, []);
  const now = await host.entry(1);
  t.is(now.serial, undefined);
  t.is(now.backing.identity?.kind, 'file');
  t.deepEqual([now.backing.made, now.backing.madeAs], [true, undefined]);
});

test('an entry of another lab is looked at by its own name, whose bytes are not served twice', async (t) => {
  const { host } = await withTwoNames(t);
  host.play();
  const path = join(host.state, 'exports', 'e0.1@san0.json');
  const { lab: _, persist: __, ...other } = await host.entry(1);
  await writeFile(path, JSON.stringify(other));
  host.exports = [];
  host.add(2, 'hard.img');
  t.regex(host.ask().troubles.join(), /hard\.img: it is exported as e0\.1@san0/);
  host.exports = [];
  host.add(1, 'hard.img');
  t.regex(host.ask().troubles.join(), /e0\.1@san0: it is exported already, and not for this lab/);
});

test('A7: what ends takes the file with it that it made, never what has its name by now', async (t) => {
  const host = await AskedHost.open(t);
  const files = ['unwritten', 'written', 'folder', 'link', 'other'].map((name, slot) =>
    host.add(slot, name, { size: SIZE }),
  ) as [string, string, string, string, string];
  host.play();
  const [unwritten, written, folder, linked, other] = files;
  await writeFile(written, 'data', { flag: 'r+' });
  for (const file of [folder, linked, other]) await rm(file);
  await mkdir(folder);
  await writeFile(join(folder, 'x'), 'x');
  await writeFile(other, 'theirs');
  await symlink(other, linked);
  host.exports = [];
  const { ends, leaves, troubles } = host.play();
  t.deepEqual([ends, leaves, troubles], [true, true, []]);
  await t.throwsAsync(stat(unwritten), { code: 'ENOENT' });
  t.is((await readFile(written)).subarray(0, 4).toString(), 'data');
  t.is(await readFile(join(folder, 'x'), 'utf8'), 'x');
  t.is(await readFile(linked, 'utf8'), 'theirs');
  await t.throwsAsync(stat(join(host.state, 'exports')), { code: 'ENOENT' });
});

test('an export that moves to another address takes the file along that the old one made', async (t) => {
  const host = await AskedHost.open(t);
  const file = host.add(1, 'a.img', { size: SIZE });
  host.play();
  const { ino } = await stat(file);
  host.exports = [];
  host.add(2, 'a.img', { size: SIZE });
  t.deepEqual(host.play().troubles, []);
  const { backing } = await host.entry(2);
  t.deepEqual([backing.made, backing.madeAs?.inode, (await stat(file)).ino], [true, String(ino), ino]);
  await t.throwsAsync(host.entry(1), { code: 'ENOENT' });
});

test('what stands in the state folder is data: odd names are refused or quoted', async (t) => {
  const host = await AskedHost.open(t);
  host.add(1, `$(touch pwned)'; touch pwned; '.img`, { size: SIZE });
  t.deepEqual(host.play().troubles, []);
  const entry = await host.entry(1);
  const iface = `x';touch pwned;'`;
  const odd = {
    ...entry,
    iface,
    backing: { ...entry.backing, made: false, pinned: true, opens: `';touch pwned;'` },
  };
  const path = join(host.state, 'exports', `e0.1@${iface}.json`);
  await writeFile(path, JSON.stringify(odd));
  const { troubles } = host.play();
  t.deepEqual(troubles, []);
  await t.throwsAsync(stat(path), { code: 'ENOENT' });
  await t.throwsAsync(stat(join(host.folder, 'pwned')), { code: 'ENOENT' });
  await writeFile(join(host.state, 'exports', 'x\u001b[31m.json'), '{}');
  t.deepEqual(
    host.ask().troubles.map((text) => text.replace(/: .*/, '')),
    ["an entry can't be read"],
  );
  t.false(host.ask().troubles.join().includes('\u001b'));
});

test('a question that is none, or one of another version, is told as such', (t) => {
  for (const question of [null, {}, { format: 0 }, []]) {
    t.throws(() => answer(question), { instanceOf: UsageError, message: /role of Ansible/ });
  }
});

testUnless(
  noRoot(),
  'A1: a number is served by the name that stays, and refused where it is another disk',
  async (t) => {
    // Before its /dev is made, so that they are there.
    const folder = await temporaryFolder(t);
    const first = await loopOn(t, join(folder, 'l1.img'));
    const second = await loopOn(t, join(folder, 'l2.img'));
    const dev = await ownDev(t);
    const host = await AskedHost.open(t, dev.inside);
    dev.run('ln', '-s', first, '/dev/disk/by-id/virtio-T1');
    dev.run('cp', '-a', first, '/dev/sdx');
    dev.run('cp', '-a', second, '/dev/sdy');
    host.add(1, '/dev/sdx');
    host.add(2, '/dev/sdy');
    const { troubles, warnings } = host.play();
    t.deepEqual(troubles, []);
    t.regex(warnings.join('\n'), /e0\.1@san0: .*\/dev\/disk\/by-id\/virtio-T1 is exported/);
    t.is((await host.entry(1)).backing.opens, '/dev/disk/by-id/virtio-T1');
    t.regex(await host.unit(1), /^DeviceAllow=\/dev\/disk\/by-id\/virtio-T1 rw$/m);
    const { backing } = await host.entry(2);
    t.true(backing.pinned);
    t.is(backing.identity?.kind, 'device');
    t.regex(await host.unit(2), /^ExecStartPre=.*aoe-lab-disk/m);
    t.deepEqual(host.ask().troubles, []);
    // As after a reboot: each has the other's number.
    dev.run('cp', '-a', '--remove-destination', second, '/dev/sdx');
    dev.run('cp', '-a', '--remove-destination', first, '/dev/sdy');
    const found = host.play().troubles.join('\n');
    t.regex(
      found,
      /^e0\.1@san0: \/dev\/sdx: it is another disk than the disk that was exported; .*name \/dev\/disk\/by-id\/virtio-T1 in the lab/m,
    );
    t.regex(found, new RegExp(`^e0\\.2@san0: /dev/sdy: it is another disk .* is ${second} .*now`, 'm'));
  },
);

testUnless(noRoot(), 'A5: a mounted disk, and what lies on it, are refused with the place', async (t) => {
  const host = await AskedHost.open(t);
  const device = await loopOn(t, join(host.folder, 'fs.img'));
  spawnSync('mke2fs', ['-q', '-F', device]);
  const place = join(host.folder, 'mounted');
  await mkdir(place);
  t.is(spawnSync('mount', [device, place]).status, 0);
  t.teardown(() => spawnSync('umount', ['--lazy', place]));
  host.add(1, device);
  host.add(2, 'fs.img');
  const found = host.ask().troubles.join('\n');
  t.regex(found, /^e0\.1@san0: .*: \/dev\/loop\d+ is mounted on .*\/mounted;.*allow: \[mounted/m);
  t.regex(found, /^e0\.2@san0: .*fs\.img: .*is mounted on/m);
});

test('data: a file that was made stays while a program has it open, or another export serves it by another name', async (t) => {
  const host = await AskedHost.open(t);
  const file = host.add(1, 'a.img', { size: SIZE });
  host.play();
  await link(file, join(host.folder, 'hard.img'));
  host.exports = [];
  host.add(2, 'hard.img');
  t.deepEqual(host.play().troubles, []);
  t.deepEqual([(await stat(file)).size, (await host.entry(2)).backing.made], [SIZE, true]);
  host.exports = [];
  const writer = await open(file, 'r+');
  t.regex(
    host.play().warnings.join(),
    /^e0\.2@san0: .*hard\.img, which it made, is kept: process \d+ has it open/,
  );
  await writer.close();
  t.is((await stat(file)).size, SIZE);
});
