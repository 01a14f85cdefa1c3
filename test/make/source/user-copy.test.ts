import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { digestOf } from '../../../src/base/digest.js';
import { LabError, UnreachableError, UsageError } from '../../../src/base/errors.js';
import { fetchSource, type SourceEvent } from '../../../src/make/source/fetch.js';
import { treeDigest } from '../../../src/make/store/tree-digest.js';
import { tarOf, zipOf } from '../archive/bytes.js';
import { folderOf, recipeOf, serve, useStore } from './helpers.js';

async function plant(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

test.serial('a folder is copied into the store by its digest, without version control', async (t) => {
  const store = await useStore(t);
  const own = await folderOf(t);
  await plant(own, { 'main.c': 'int main;', '.git/config': 'x', 'sub/CVS/Root': 'x', 'sub/a.c': 'a' });
  await symlink('/usr/share/automake/install-sh', join(own, 'install-sh'));
  await utimes(join(own, 'main.c'), 1_000_000_000, 1_000_000_000);
  const selected = recipeOf([]);
  const tree = await fetchSource(selected, { source: own });
  t.like(tree, { location: own, pinned: 'none', cached: false, digest: await treeDigest(own) });
  t.is(tree.folder, join(store, 'trees', tree.digest));
  t.deepEqual((await readdir(tree.folder)).sort(), ['install-sh', 'main.c', 'sub']);
  t.deepEqual(await readdir(join(tree.folder, 'sub')), ['a.c']);
  t.is(await readlink(join(tree.folder, 'install-sh')), '/usr/share/automake/install-sh');
  t.like(await fetchSource(selected, { source: own, offline: true }), { cached: true });
  await plant(own, { 'main.c': 'int other;' });
  t.not((await fetchSource(selected, { source: own })).digest, tree.digest);
});

test.serial('it is compared with the pinned tree; equal, it serves the release from then on', async (t) => {
  await useStore(t);
  const own = await folderOf(t);
  await plant(own, { 'main.c': 'int main;' });
  const sha256 = await treeDigest(own);
  const gone = { type: 'archive', url: 'http://127.0.0.1:1/toy.tgz', state: 'gone' } as const;
  const selected = recipeOf([gone], { trees: [{ sha256, seen: 'a mirror' }] });
  await t.throwsAsync(fetchSource(selected), { instanceOf: UnreachableError });
  t.is((await fetchSource(selected, { source: own })).pinned, 'tree');
  t.like(await fetchSource(selected), { pinned: 'tree', cached: true, location: own });
  await plant(own, { 'main.c': 'int other;' });
  const events: SourceEvent[] = [];
  const differing = await fetchSource(selected, {
    source: own,
    onEvent: (event) => events.push(event),
  });
  t.like(differing, { pinned: 'differs', expected: [sha256] });
  t.deepEqual(events.at(-1), {
    kind: 'differs',
    location: own,
    digest: differing.digest,
    expected: [sha256],
  });
  t.is((await fetchSource(selected)).digest, sha256, 'the pinned one still stands for the release');
});

test.serial('the root is found: single top folder, known subfolder, or the pinned one of both', async (t) => {
  await useStore(t);
  const own = await folderOf(t);
  await plant(own, { 'checkout/trunk/toy/main.c': 'int main;', 'checkout/trunk/README': 'r' });
  const source = { type: 'svn', url: 'svn://127.0.0.1:1/x', state: 'gone', subdir: 'trunk/toy' } as const;
  const inner = await treeDigest(join(own, 'checkout/trunk/toy'));
  const selected = recipeOf([source]);
  const digest = async (where: string): Promise<string> =>
    (await fetchSource(selected, { source: join(own, where) })).digest;
  t.is(await digest('.'), inner);
  t.is(await digest('checkout'), inner);
  t.is(await digest('checkout/trunk/toy'), inner);
  const plain = recipeOf([], { trees: [{ sha256: await treeDigest(join(own, 'checkout')), seen: 'here' }] });
  t.is((await fetchSource(plain, { source: own })).pinned, 'tree');
});

test.serial('archives: tar and zip, by path and by URL, which works offline afterwards', async (t) => {
  const store = await useStore(t);
  const own = await folderOf(t);
  const tar = gzipSync(tarOf([{ name: 'toy-1/main.c', content: 'int main;' }]));
  await writeFile(join(own, 'a.tgz'), tar);
  await writeFile(join(own, 'a.zip'), zipOf([{ name: 'main.c', content: 'int main;' }]));
  const pinned = {
    type: 'archive',
    url: 'http://127.0.0.1:1/',
    state: 'gone',
    sha256: digestOf(tar),
  } as const;
  const selected = recipeOf([pinned]);
  const byPath = await fetchSource(selected, { source: join(own, 'a.tgz') });
  t.like(byPath, { pinned: 'archive', location: join(own, 'a.tgz') });
  const zip = await fetchSource(selected, { source: join(own, 'a.zip') });
  t.like(zip, { pinned: 'none', digest: byPath.digest });
  t.true(existsSync(join(own, 'a.tgz')));
  const server = await serve(t, (_, response) => response.end(tar));
  const url = `${server.url}/a.tgz`;
  await t.throwsAsync(fetchSource(selected, { source: url, offline: true }), {
    instanceOf: UnreachableError,
  });
  t.like(await fetchSource(selected, { source: url }), { pinned: 'archive', digest: byPath.digest });
  t.like(await fetchSource(selected, { source: url, offline: true }), { cached: true });
  t.deepEqual(server.asked, ['/a.tgz']);
  t.deepEqual(await readdir(join(store, 'tmp')), []);
});

test.serial('what can not be a source is refused with what to do', async (t) => {
  await useStore(t);
  const own = await folderOf(t);
  const selected = recipeOf([]);
  const fetchUserCopy = (source: string) => fetchSource(selected, { source });
  await t.throwsAsync(fetchUserCopy(join(own, 'missing')), {
    instanceOf: UsageError,
    message: /nothing of that name/,
  });
  await t.throwsAsync(fetchUserCopy('ftp://127.0.0.1/x'), {
    instanceOf: UsageError,
    message: /no kind of URL/,
  });
  await t.throwsAsync(fetchUserCopy('git+ext::sh://x'), { instanceOf: UsageError });
  await t.throwsAsync(fetchUserCopy('/dev/null'), {
    instanceOf: UsageError,
    message: /neither a folder nor a file/,
  });
  await t.throwsAsync(fetchUserCopy(own), { instanceOf: LabError, message: /no file in it/ });
  await symlink('../outside.h', join(own, 'inside.h'));
  await t.throwsAsync(fetchUserCopy(own), {
    instanceOf: LabError,
    message: /inside.h is refused: .*leads out/,
  });
  await t.throwsAsync(fetchUserCopy('http://127.0.0.1:1/x.tgz'), {
    instanceOf: UnreachableError,
    message: /connection was refused/,
  });
});

test.serial('a folder above the limits is refused', async (t) => {
  await useStore(t);
  const own = await folderOf(t);
  await plant(own, { a: '1', b: '2', c: '3' });
  const selected = recipeOf([]);
  await t.throwsAsync(fetchSource(selected, { source: own, limits: { entries: 2 } }), {
    instanceOf: LabError,
    message: /more than 2 files/,
  });
});

const sources = process.env.AOE_LAB_SOURCES;
const withSources = sources === undefined ? test.skip : test.serial;
withSources(
  `the trees of the originals are taken as they are${sources === undefined ? ': AOE_LAB_SOURCES is not set' : ''}`,
  async (t) => {
    await useStore(t);
    const { loadRecipes, withRelease } = await import('../../../src/make/recipe/load.js');
    let compared = 0;
    for (const recipe of await loadRecipes()) {
      for (const release of recipe.releases) {
        const source = join(sources ?? '', `${recipe.name}-${release.version}`);
        if (!existsSync(source)) continue;
        const tree = await fetchSource(withRelease(recipe, release), { source });
        t.is(tree.pinned, (release.trees?.length ?? 0) > 0 ? 'tree' : 'none', source);
        t.true(
          (
            await readFile(
              join(tree.folder, (await readdir(tree.folder)).find((name) => /README/.test(name)) ?? ''),
            )
          ).length > 0,
        );
        compared++;
      }
    }
    t.true(compared > 0);
  },
);

test.serial('an archive whose root is a link that leads out is refused in words', async (t) => {
  await useStore(t);
  const file = join(await folderOf(t), 'toy.tgz');
  await writeFile(file, gzipSync(tarOf([{ name: 'D', type: '2', target: '..' }])));
  const selected = recipeOf([]);
  const error = await t.throwsAsync<LabError>(fetchSource(selected, { source: file }), {
    instanceOf: LabError,
  });
  t.regex(error.facts.happened, /leads out of the tree/);
});
