import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { digestOf } from '../../../src/base/digest.js';
import { fetchSource, type SourceEvent, type SourceTree } from '../../../src/make/source/fetch.js';
import { listTree, treeDigest } from '../../../src/make/store/tree-digest.js';
import { getTree, putTree } from '../../../src/make/store/trees.js';
import { withWorkFolder } from '../../../src/make/store/work.js';
import { tarOf } from '../archive/bytes.js';
import { recipeOf, serve, useStore } from '../source/helpers.js';

const archive = gzipSync(
  tarOf([
    { name: 'toy-1/main.c', content: 'int main;' },
    { name: 'toy-1/lib/a.c', content: 'int a;' },
  ]),
);
const fixture = fileURLToPath(new URL('../source/fixture-fetch.js', import.meta.url));

function fetchInProcess(url: string, store: string): { child: ChildProcess; result: Promise<SourceTree> } {
  const sources = [{ type: 'archive', url, state: 'alive' }];
  const child = spawn(process.execPath, [fixture, JSON.stringify(sources)], {
    env: { ...process.env, AOE_LAB_CACHE: store },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += chunk;
  });
  return { child, result: once(child, 'close').then(() => JSON.parse(text) as SourceTree) };
}

test.serial('two processes that want the same: one downloads, both have it', async (t) => {
  const store = await useStore(t);
  const server = await serve(t, (_, response) => response.end(archive));
  const runs = [fetchInProcess(`${server.url}/toy`, store), fetchInProcess(`${server.url}/toy`, store)];
  const trees = await Promise.all(runs.map(({ result }) => result));
  t.is(trees[0]?.digest, trees[1]?.digest);
  t.deepEqual(trees.map(({ cached }) => cached).sort(), [false, true]);
  t.deepEqual(server.asked, ['/toy']);
  t.deepEqual(await readdir(join(store, 'tmp')), []);
});

test.serial('what a killed process left is removed, its lock is free, its download goes on', async (t) => {
  const store = await useStore(t);
  let killed = false;
  const started = withResolvers();
  const server = await serve(t, (request, response) => {
    if (killed) {
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(206, { 'content-range': `bytes ${from}-${archive.length - 1}/${archive.length}` });
      return response.end(archive.subarray(from));
    }
    response.writeHead(200, { etag: '"1"', 'content-length': archive.length });
    return response.write(archive.subarray(0, 50), () => started.resolve());
  });
  const { child, result } = fetchInProcess(`${server.url}/toy`, store);
  await started.promise;
  const partial = join(store, 'partial', digestOf(`${server.url}/toy`));
  while (!existsSync(partial) || (await readFile(partial)).length < 50) await new Promise(setImmediate);
  child.kill('SIGKILL');
  await t.throwsAsync(result);
  killed = true;
  t.is((await readdir(join(store, 'tmp'))).length, 1);
  const selected = recipeOf([{ type: 'archive', url: `${server.url}/toy`, state: 'alive' }]);
  t.is((await fetchSource(selected)).archive?.sha256, digestOf(archive));
  t.deepEqual(server.asked, ['/toy', '/toy bytes=50-']);
  t.deepEqual(await readdir(join(store, 'tmp')), []);
});

test.serial(
  'work of living processes stays, that of dead ones and of others with their number goes',
  async (t) => {
    const store = await useStore(t);
    await withWorkFolder(async (mine) => {
      const [pid, started, namespace] = mine.slice(mine.lastIndexOf('/') + 1).split('-');
      const dead = [`${pid}-1-${namespace}-x`, `4194304-${started}-${namespace}-x`];
      const elsewhere = `${pid}-1-1-x`;
      for (const name of [...dead, elsewhere])
        await mkdir(join(store, 'tmp', name, 'sub'), { recursive: true });
      await withWorkFolder(async (other) => {
        const left = (await readdir(join(store, 'tmp'))).map((name) => join(store, 'tmp', name));
        t.deepEqual(left.sort(), [mine, other, join(store, 'tmp', elsewhere)].sort());
      });
    });
  },
);

test.serial('a tree that was changed in the store is noticed, removed and made again', async (t) => {
  await useStore(t);
  const server = await serve(t, (_, response) => response.end(archive));
  const selected = recipeOf([{ type: 'archive', url: `${server.url}/toy`, state: 'alive' }]);
  const tree = await fetchSource(selected);
  const events: SourceEvent[] = [];
  const again = (): Promise<SourceTree> => fetchSource(selected, { onEvent: (event) => events.push(event) });
  await appendFile(join(tree.folder, 'main.c'), 'evil');
  t.deepEqual(await again(), { ...tree, cached: true });
  t.is(await readFile(join(tree.folder, 'main.c'), 'utf8'), 'int main;');
  await writeFile(join(tree.folder, 'added.c'), '');
  t.deepEqual(await again(), { ...tree, cached: true });
  t.false(existsSync(join(tree.folder, 'added.c')));
  t.deepEqual(
    events.flatMap((event) => (event.kind === 'discarded' ? [event.path] : [])),
    [tree.folder, tree.folder],
  );
  t.deepEqual(server.asked, ['/toy'], 'the archive was still in the store');
});

test.serial('an archive that was changed in the store is noticed and fetched again', async (t) => {
  const store = await useStore(t);
  const server = await serve(t, (_, response) => response.end(archive));
  const selected = recipeOf([{ type: 'archive', url: `${server.url}/toy`, state: 'alive' }]);
  const tree = await fetchSource(selected);
  await rm(tree.folder, { recursive: true });
  await appendFile(join(store, 'archives', digestOf(archive)), 'evil');
  t.deepEqual(await fetchSource(selected), tree);
  t.deepEqual(server.asked, ['/toy', '/toy']);
  t.deepEqual(await readFile(join(store, 'archives', digestOf(archive))), archive);
});

test.serial('a hint that points to another tree can not replace a pinned one', async (t) => {
  const store = await useStore(t);
  const server = await serve(t, (_, response) => response.end(archive));
  const source = { type: 'archive', url: `${server.url}/toy`, state: 'alive' } as const;
  const loose = recipeOf([source]);
  const tree = await fetchSource(loose);
  const [hint] = await readdir(join(store, 'hints'));
  const path = join(store, 'hints', hint ?? '');
  const other = 'a'.repeat(64);
  await writeFile(path, (await readFile(path, 'utf8')).replace(tree.digest, other));
  const selected = recipeOf([source], { trees: [{ sha256: tree.digest, seen: 'here' }] });
  t.like(await fetchSource(selected), { digest: tree.digest, pinned: 'tree' });
});

test.serial('of a large tree sizes and times are compared', async (t) => {
  await useStore(t);
  const digest = await withWorkFolder(async (work) => {
    const folder = join(work, 'large');
    await mkdir(folder);
    await Promise.all(Array.from({ length: 2001 }, (_, index) => writeFile(join(folder, `f${index}`), '')));
    const listing = await listTree(folder);
    const name = await treeDigest(folder, listing);
    await putTree(folder, name, listing, { location: 'here' });
    return name;
  });
  const record = await getTree(digest);
  t.is(record?.files, 2001);
  await writeFile(join(process.env.AOE_LAB_CACHE ?? '', 'trees', digest, 'f7'), '');
  t.is(await getTree(digest), undefined);
});

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
