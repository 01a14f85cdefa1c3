import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { LabError } from '../../../src/base/errors.js';
import { BackingError } from '../../../src/wire/native/backing.js';
import { FileBacking, type FileBackingOptions } from '../../../src/wire/native/file-backing.js';
import { grant } from '../../base/files/acl.js';
import { temporaryFolder } from '../../base/temporary.js';
import { noRoot, testUnless } from '../../live/support/machine.js';

/** Not a whole number of pages, so that its end lies within one. */
const SECTORS = 203;

async function disk(t: ExecutionContext, options: Partial<FileBackingOptions>) {
  const path = join(await temporaryFolder(t), 'disk');
  const image = randomBytes(SECTORS * 512);
  await writeFile(path, image);
  try {
    const backing = await FileBacking.open({ path, ...options });
    t.teardown(() => backing.close());
    return { path, image, backing };
  } catch (error) {
    // A temporary folder in memory may have no direct I/O.
    if (!(error instanceof LabError && options.directIo)) throw error;
    t.log(error.message);
    t.pass();
    return undefined;
  }
}

for (const directIo of [false, true]) {
  const way = directIo ? 'by direct I/O' : 'by the page cache';
  test(`file ${way}: any run of sectors is read and written as it is`, async (t) => {
    const made = await disk(t, { directIo });
    if (made === undefined) return;
    const { path, image, backing } = made;
    for (const [sector, count] of [
      [0, SECTORS],
      [SECTORS - 1, 1],
      [SECTORS - 9, 9],
      [7, 1],
      [1, 16],
      [8, 8],
    ] as const) {
      const there = image.subarray(sector * 512, (sector + count) * 512);
      t.true((await backing.read(sector, count)).equals(there), `read ${sector}+${count}`);
      const data = randomBytes(count * 512);
      await backing.write(sector, data);
      data.copy(image, sector * 512);
      t.true((await readFile(path)).equals(image), `write ${sector}+${count}`);
    }
    await backing.flush();
    await truncate(path, 100 * 512);
    const isBeyond = (error: unknown): boolean => error instanceof BackingError && error.fault === 'beyond';
    for (const [sector, count] of [
      [99, 2],
      [100, 1],
      [96, 8],
      [150, 4],
    ] as const) {
      const error = await t.throwsAsync(backing.read(sector, count));
      t.true(isBeyond(error), `${sector}+${count}: ${error}`);
    }
    t.true((await backing.read(90, 10)).equals(image.subarray(90 * 512, 100 * 512)));
  });

  test(`file ${way}: offset and length are those of the export`, async (t) => {
    const made = await disk(t, { directIo, offset: 3, length: 50 });
    if (made === undefined) return;
    const { image, backing } = made;
    t.is(await backing.measure(), 50);
    t.true((await backing.read(49, 1)).equals(image.subarray(52 * 512, 53 * 512)));
  });
}

test('a file is found through links in folders that nobody else may write to, by relative names too', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'a'));
  await writeFile(join(folder, 'a', 'disk'), Buffer.alloc(1024));
  await symlink('a', join(folder, 'b'));
  await symlink(join(folder, 'b', '..', 'b', './disk'), join(folder, 'c'));
  for (const path of [join(folder, 'c'), `${folder}//b/../c`, relative(process.cwd(), join(folder, 'c'))]) {
    const backing = await FileBacking.open({ path });
    t.is(await backing.measure(), 2);
    await backing.close();
  }
  await symlink('loop', join(folder, 'loop'));
  await t.throwsAsync(FileBacking.open({ path: join(folder, 'loop') }), { message: /too many links/ });
  await t.throwsAsync(FileBacking.open({ path: join(folder, 'none') }), { message: /no such file/ });
});

testUnless(
  noRoot(),
  'HOSTILE 2: a link of somebody else is not followed, of the file or of a folder',
  async (t) => {
    const folder = await temporaryFolder(t);
    const theirs = join(folder, 'theirs');
    await mkdir(theirs);
    await writeFile(join(folder, 'secret'), Buffer.alloc(1024));
    await writeFile(join(theirs, 'disk'), Buffer.alloc(1024));
    await symlink('../secret', join(theirs, 'file'));
    await symlink('..', join(theirs, 'up'));
    await chown(theirs, 12345, 12345);
    await (await FileBacking.open({ path: join(theirs, 'disk') })).close();
    for (const name of ['file', 'up/secret']) {
      const path = join(theirs, name);
      await t.throwsAsync(FileBacking.open({ path }), { message: /is a link, and user 12345 may write/ });
      await (await FileBacking.open({ path, links: 'any' })).close();
    }
    // hostile: a group's rights are those of whoever an access list names.
    await chown(theirs, 0, 0);
    await chmod(theirs, 0o775);
    const path = join(theirs, 'file');
    await (await FileBacking.open({ path })).close();
    if (!grant(theirs)) return t.log('no access lists here');
    await t.throwsAsync(FileBacking.open({ path }), { message: /somebody on its access list may write/ });
  },
);
