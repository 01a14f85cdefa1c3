import { chmod, chown, mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import test from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import { judgeBacking } from '../../../src/serve/storage/backing.js';
import { attachLoop, detachLoop, listLoops } from '../../../src/serve/storage/loop.js';
import { surveyStorage } from '../../../src/serve/storage/survey.js';
import { grant } from '../../base/files/acl.js';
import { temporaryFolder } from '../../base/temporary.js';
import { noRoot, testUnless } from '../../live/support/machine.js';
import { judge } from './survey.js';

test('a missing file without a size is refused, and so is a folder that is not there', async (t) => {
  const folder = await temporaryFolder(t);
  await t.throwsAsync(judge(join(folder, 'a')), { message: /no such file/ });
  await t.throwsAsync(judge(join(folder, 'b', 'a'), { size: 512 }), { message: /no folder/ });
});

test('A6: below /dev no file is ever made, whatever size is given', async (t) => {
  for (const spec of [{}, { size: 1 << 23 }]) {
    const error = await t.throwsAsync<Error & { facts: { next: string } }>(
      judge('/dev/aoe-not-there', spec),
      {
        message: /no such device/,
      },
    );
    t.notRegex(error.facts.next, /--size/);
  }
  const folder = await temporaryFolder(t);
  await symlink('/dev', join(folder, 'devices'));
  await t.throwsAsync(judge(join(folder, 'devices', 'aoe-not-there'), { size: 512 }), {
    message: /no such device/,
  });
});

test('a link that leads nowhere is refused: a file would be made wherever it points', async (t) => {
  const folder = await temporaryFolder(t);
  await symlink(join(folder, 'elsewhere'), join(folder, 'link'));
  await t.throwsAsync(judge(join(folder, 'link'), { size: 512 }), { message: /is a link to/ });
});

test('names with line breaks are refused: what follows one could be taken for an answer', async (t) => {
  const folder = await temporaryFolder(t);
  const refused = { message: /holds a line break/ };
  await t.throwsAsync(judge(join(folder, 'a\n@blocks'), { size: 512 }), refused);
  await writeFile(join(folder, 'end\n'), Buffer.alloc(512));
  await t.throwsAsync(judge(join(folder, 'end\n')), refused);
  await symlink('end\n', join(folder, 'link'));
  await t.throwsAsync(judge(join(folder, 'link')), refused);
  await mkdir(join(folder, 'folder\n'));
  await symlink('folder\n', join(folder, 'on the way'));
  await t.throwsAsync(judge(join(folder, 'on the way', 'new'), { size: 512 }), refused);
  await t.throwsAsync(judge(join(folder, 'a\\n@boot\\n')), { message: /no such file/ });
});

test('A8: a file of odd size is refused with the length that would do, and how to fill it up', async (t) => {
  const folder = await temporaryFolder(t);
  await t.throwsAsync(judge(join(folder, 'a'), { size: 1000 }), {
    message: /whole number of 512-byte sectors/,
  });
  const file = join(folder, 'odd');
  await writeFile(file, Buffer.alloc(1_000_001));
  const error = await t.throwsAsync<Error & { facts: { next: string[] } }>(judge(file), {
    message: /whole number/,
  });
  t.regex(error.facts.next.join('\n'), /--length 1953 .*\n.*truncate --size %512/);
  const { backing } = await judge(file, { length: 1953 });
  t.is(backing.size, 1_000_001);
  await t.throwsAsync(judge(file, { length: 1954 }), { message: /1953 sectors/ });
  const behind = await t.throwsAsync<Error & { facts: { next: string[] } }>(judge(file, { offset: 5 }));
  t.regex(behind.facts.next.join('\n'), /--length 1948 /);
  await writeFile(join(folder, 'empty'), '');
  await t.throwsAsync(judge(join(folder, 'empty')), { message: /it is empty/ });
});

test('A11: a slice beyond the end is refused with the numbers', async (t) => {
  const file = join(await temporaryFolder(t), 'disk');
  await writeFile(file, '');
  await truncate(file, 131_072 * 512);
  for (const spec of [{ offset: 131_071, length: 2 }, { offset: 131_072 }, { length: 131_073 }]) {
    await t.throwsAsync(judge(file, spec), { message: /it has 131072 sectors/ });
  }
  t.is((await judge(file, { offset: 131_071, length: 1 })).backing.size, 131_072 * 512);
});

test('A9: files that hold the image of a disk are found, and named with the way to a plain one', async (t) => {
  const folder = await temporaryFolder(t);
  const qemu =
    /: qemu-img convert -O raw \S+ NEW\n.*: qemu-nbd --connect=\/dev\/nbd0 \S+, and export \/dev\/nbd0$/;
  const images: [string, Buffer, RegExp][] = [
    ['qcow2', Buffer.from('QFI\xfb', 'latin1'), qemu],
    ['VMDK', Buffer.from('KDMV'), qemu],
    ['VHD', Buffer.from('conectix'), qemu],
    ['VHDX', Buffer.from('vhdxfile'), qemu],
    ['VDI', Buffer.concat([Buffer.alloc(64), Buffer.from([0x7f, 0x10, 0xda, 0xbe])]), qemu],
    ['gzip', Buffer.from([0x1f, 0x8b, 8]), /: gunzip --keep \S+gzip$/],
    ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), /: unxz --keep \S+xz$/],
  ];
  for (const [name, bytes, way] of images) {
    const file = join(folder, name);
    await writeFile(file, bytes);
    await truncate(file, 1 << 16);
    const { findings } = await judge(file);
    t.deepEqual(
      findings.map(({ kind }) => kind),
      ['container'],
      name,
    );
    t.regex(findings[0]?.text ?? '', new RegExp(name));
    t.regex(findings[0]?.next?.join('\n') ?? '', way);
    const { findings: none, warnings } = await judge(file, { readOnly: true });
    t.deepEqual(none, []);
    t.regex(warnings[0] ?? '', new RegExp(name));
    t.regex(warnings.join('\n'), way);
  }
  const fixed = join(folder, 'fixed.vhd');
  await writeFile(fixed, Buffer.concat([Buffer.alloc(1 << 16), Buffer.from('conectix'), Buffer.alloc(504)]));
  t.is((await judge(fixed)).findings[0]?.kind, 'container');
});

test('a file that is there is neither grown nor shrunk', async (t) => {
  const file = join(await temporaryFolder(t), 'old');
  await writeFile(file, 'x'.repeat(1024));
  await t.throwsAsync(judge(file, { size: 2048 }), { message: /there already/ });
  const { backing } = await judge(file, { size: 1024 });
  t.like(backing, { absent: false, size: 1024, kind: 'file', moving: false });
});

test('A2: the name of a link is kept, beside what it means', async (t) => {
  const folder = await temporaryFolder(t);
  await t.throwsAsync(judge(folder), { message: /neither a file nor a block device/ });
  await writeFile(join(folder, 'real'), 'x'.repeat(512));
  await symlink('real', join(folder, 'link'));
  const { backing } = await judge(join(folder, 'link'));
  t.like(backing, { name: join(folder, 'link'), opens: join(folder, 'link'), path: join(folder, 'real') });
});

testUnless(noRoot(), 'A1: a number that moves is told, and the name that stays is opened', async (t) => {
  const file = join(await temporaryFolder(t), 'disk');
  await writeFile(file, '');
  await truncate(file, 1 << 20);
  const device = await attachLoop(here, file, { readOnly: true, directIo: false });
  try {
    const { id, ...loop } = (await listLoops(here, file))[0] ?? {};
    t.deepEqual(loop, { device, file, readOnly: true, directIo: false, isPart: false });
    t.truthy(id?.inode);
    await t.throwsAsync(judge(device), { message: /the device is read-only/ });
    await t.throwsAsync(judge(device, { readOnly: true, size: 512 }), { message: /block device/ });
    const { backing, warnings } = await judge(device, { readOnly: true });
    t.like(backing, { kind: 'device', size: 1 << 20, moving: true, opens: undefined });
    t.like(backing.identity, { kind: 'device', file: { path: file, inode: id?.inode } });
    t.regex(warnings[0] ?? '', /may be another disk after a reboot/);
    const snapshot = await surveyStorage(here, [device]);
    const kernel = basename(device);
    const block = snapshot.blocks.get(kernel);
    if (block === undefined) throw new Error(`${device} is not listed`);
    // As udev has it where there are links.
    const links = new Map([
      ['/dev/disk/by-path/pci-1', kernel],
      ['/dev/disk/by-id/virtio-T1', kernel],
      ['/dev/disk/by-id/virtio-T2', 'sdz'],
    ]);
    const linked = judgeBacking({ ...snapshot, links }, device, { readOnly: true });
    t.like(linked.backing, { name: device, opens: '/dev/disk/by-id/virtio-T1' });
    const empty = new Map([...snapshot.blocks, [kernel, { ...block, size: 0 }]]);
    t.throws(() => judgeBacking({ ...snapshot, blocks: empty }, device, {}), { message: /no medium/ });
  } finally {
    await detachLoop(here, device);
  }
  t.deepEqual(await listLoops(here, file), []);
});

testUnless(
  noRoot(),
  'HOSTILE 2: what somebody else may exchange is told, and his links are refused unless that is overridden',
  async (t) => {
    const folder = await temporaryFolder(t);
    const theirs = join(folder, 'theirs');
    await mkdir(theirs);
    await writeFile(join(folder, 'secret'), Buffer.alloc(1024));
    await writeFile(join(theirs, 'disk'), Buffer.alloc(1024));
    await symlink('theirs', join(folder, 'own'));
    const quiet = await judge(join(folder, 'own', 'disk'));
    t.deepEqual(
      [quiet.findings, quiet.warnings, quiet.backing.links, quiet.backing.exposed],
      [[], [], 'none', false],
    );
    await chown(theirs, 12345, 12345);
    const told = await judge(join(folder, 'own', 'disk'));
    t.regex(told.warnings.join(), /user 12345 may write to .*theirs/);
    t.like(told, { findings: [], backing: { links: 'none', exposed: true } });
    // Of the file itself, and of a folder on the way.
    await symlink('../secret', join(theirs, 'file'));
    await symlink('..', join(theirs, 'up'));
    for (const name of ['file', 'up/secret']) {
      const { backing, findings } = await judge(join(theirs, name));
      t.is(backing.links, 'any');
      t.like(findings, [{ kind: 'link' }]);
      t.regex(findings[0]?.text ?? '', /is a link, and user 12345 may write/);
    }
    // Also where the file is still to be made.
    const { findings } = await judge(join(theirs, 'up', 'new'), { size: 512 });
    t.like(findings, [{ kind: 'link' }]);
    // hostile: one that is made is as exposed as one that was there.
    const made = await judge(join(folder, 'own', 'new'), { size: 512 });
    t.regex(made.warnings.join(), /user 12345 may write to .*theirs/);
    t.true(made.backing.exposed);
    // hostile: a group's rights are those of whoever an access list names.
    await chown(theirs, 0, 0);
    await chmod(theirs, 0o775);
    t.like(await judge(join(theirs, 'disk')), { warnings: [], backing: { exposed: false } });
    if (!grant(theirs)) return t.log('no access lists here');
    const listed = await judge(join(theirs, 'disk'));
    t.regex(listed.warnings.join(), /somebody on its access list may write to .*theirs/);
    t.true(listed.backing.exposed);
  },
);
