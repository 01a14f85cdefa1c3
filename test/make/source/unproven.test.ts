import { gzipSync } from 'node:zlib';
import test from 'ava';
import { digestOf } from '../../../src/base/digest.js';
import { fetchSource, fetchToBuild } from '../../../src/make/source/fetch.js';
import { isPlain, sourceRemark, UnprovenError } from '../../../src/make/source/unproven.js';
import { tarOf } from '../archive/bytes.js';
import { folderOf, recipeOf, serve, useStore } from './helpers.js';

const archive = gzipSync(tarOf([{ name: 'toy-1/main.c', content: 'int x;\n' }]));
const sha256 = digestOf(archive);

for (const [address, plain] of [
  ['http://example.org/x.tgz', true],
  ['HTTP://example.org/x.tgz', true],
  ['git://example.org/x', true],
  ['svn://example.org/x', true],
  ['git+http://example.org/x', true],
  ['svn+http://example.org/x', true],
  ['https://example.org/x.tgz', false],
  ['git+https://example.org/x', false],
  ['git+ssh://example.org/x', false],
  ['svn+ssh://example.org/x', false],
  ['/home/me/http://x', false],
] as const) {
  test(`HOSTILE 15: whether anybody on the way may change it: ${address}`, (t) =>
    t.is(isPlain(address), plain));
}

test.serial(
  'HOSTILE 15: what comes by plain http and no digest pins is fetched, and not built',
  async (t) => {
    await useStore(t);
    const server = await serve(t, (_, response) => response.end(archive));
    const url = `${server.url}/toy-1.tgz`;
    const selected = recipeOf([{ type: 'archive', url, state: 'alive' }]);
    const tree = await fetchSource(selected);
    t.true(tree.unproven);
    t.true(sourceRemark(tree)?.includes(tree.digest));
    // From the store as well, and as the user's own copy.
    for (const source of [undefined, url]) {
      const error = await t.throwsAsync(fetchToBuild(selected, { source }), {
        instanceOf: UnprovenError,
      });
      t.is(error?.exitCode, 1);
      t.true(error?.facts.happened.includes(tree.digest));
      t.regex(String(error?.facts.next), /--unpinned/);
      t.is((await fetchToBuild(selected, { source, unpinned: true })).digest, tree.digest);
    }
  },
);

test.serial('HOSTILE 15: what a digest pins is built wherever it came from', async (t) => {
  await useStore(t);
  const server = await serve(t, (_, response) => response.end(archive));
  const url = `${server.url}/toy-1.tgz`;
  const pinned = recipeOf([{ type: 'archive', url, state: 'alive', sha256 }]);
  const tree = await fetchToBuild(pinned);
  t.false(tree.unproven);
  t.is(sourceRemark(tree), undefined);
  const byTree = recipeOf([], { trees: [{ sha256: tree.digest, seen: 'here' }] });
  t.is((await fetchToBuild(byTree, { source: url })).pinned, 'tree');
  const other = recipeOf([], { trees: [{ sha256: 'f'.repeat(64), seen: 'nowhere' }] });
  const error = await t.throwsAsync(fetchToBuild(other, { source: url }), {
    instanceOf: UnprovenError,
  });
  t.regex(error?.facts.happened ?? '', /not the pinned tree/);
});

test.serial('HOSTILE 15: a folder of the user’s own is his to vouch for', async (t) => {
  await useStore(t);
  const folder = await folderOf(t);
  const { writeFile } = await import('node:fs/promises');
  await writeFile(`${folder}/main.c`, 'int y;\n');
  const selected = recipeOf([]);
  t.false((await fetchToBuild(selected, { source: folder })).unproven);
});
