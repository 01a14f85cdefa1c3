import { chmod, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { digestOf } from '../../../src/base/digest.js';
import { listTree, TreeError, treeDigest } from '../../../src/make/store/tree-digest.js';
import { folderOf } from '../source/helpers.js';

async function plant(folder: string, files: readonly (readonly [string, string])[]): Promise<void> {
  for (const [path, content] of files) {
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

test('it is the digest of the documented listing', async (t) => {
  const folder = await folderOf(t);
  await plant(folder, [
    ['b/c.c', 'int c;'],
    ['b.h', ''],
    ['é', 'e'],
    ['𝒳', 'x'],
    ['\uffee', 'y'],
  ]);
  await symlink('b/c.c', join(folder, 'a'));
  // Bytewise "b.h" < "b/c.c", and U+FFEE before U+1D4B3, which JavaScript's own order turns round.
  const listing = [
    `link ${digestOf('b/c.c')} a`,
    `file ${digestOf('')} b.h`,
    `file ${digestOf('int c;')} b/c.c`,
    `file ${digestOf('e')} é`,
    `file ${digestOf('y')} \uffee`,
    `file ${digestOf('x')} 𝒳`,
  ];
  t.is(await treeDigest(folder), digestOf(listing.map((record) => `${record}\0`).join('')));
});

test('version control, modes, times and empty folders do not count; all else does', async (t) => {
  const folder = await folderOf(t);
  await plant(folder, [
    ['a.c', 'a'],
    ['sub/b.c', 'b'],
  ]);
  const plain = await treeDigest(folder);
  await plant(folder, [
    ['.git/config', 'x'],
    ['sub/.svn/entries', 'x'],
    ['sub/CVS/Root', 'x'],
  ]);
  await mkdir(join(folder, 'empty'));
  await chmod(join(folder, 'a.c'), 0o755);
  await utimes(join(folder, 'a.c'), 1, 1);
  t.is(await treeDigest(folder), plain);
  t.deepEqual((await listTree(folder)).ignored.sort(), ['.git', 'sub/.svn', 'sub/CVS']);
  await plant(folder, [['.gitignore', '*.o']]);
  t.not(await treeDigest(folder), plain);
});

test('a limit ends the listing', async (t) => {
  const folder = await folderOf(t);
  await plant(folder, [
    ['a', 'aaaa'],
    ['b', 'bbbb'],
  ]);
  await t.throwsAsync(listTree(folder, { entries: 1, bytes: 100 }), { instanceOf: TreeError });
  await t.throwsAsync(listTree(folder, { entries: 10, bytes: 7 }), { instanceOf: TreeError });
  t.is((await listTree(folder, { entries: 2, bytes: 8 })).bytes, 8);
});

test('equal trees have equal digests whatever the order of writing, different ones different digests', async (t) => {
  const base = await folderOf(t);
  const name = fc.constantFrom('a', 'b', 'c.c', 'é', 'z z');
  const path = fc.oneof(
    name.map((file) => `f${file}`),
    fc.tuple(name, name).map(([folder, file]) => `${folder}/f${file}`),
  );
  const tree = fc.dictionary(path, fc.string({ maxLength: 4 }), { minKeys: 1, maxKeys: 6 });
  let round = 0;
  const digest = async (files: [string, string][]): Promise<string> => {
    const folder = join(base, String(round++));
    await plant(folder, files);
    const found = await treeDigest(folder);
    await rm(folder, { recursive: true });
    return found;
  };
  await fc.assert(
    fc.asyncProperty(tree, tree, async (one, other) => {
      const entries = Object.entries(one);
      const first = await digest(entries);
      const again = await digest([...entries].reverse());
      const second = await digest(Object.entries(other));
      const normal = (value: Record<string, string>): string => JSON.stringify(Object.entries(value).sort());
      return first === again && (first === second) === (normal(one) === normal(other));
    }),
    { numRuns: 30 },
  );
  t.pass();
});
