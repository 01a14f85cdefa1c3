import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { digestOf } from '../../../src/base/digest.js';
import { UnreachableError } from '../../../src/base/errors.js';
import type { Source } from '../../../src/make/recipe/schema.js';
import { fetchSource, type SourceEvent } from '../../../src/make/source/fetch.js';
import { tarOf } from '../archive/bytes.js';
import { recipeOf, serve, useStore } from '../source/helpers.js';

// Content that does not compress, so that halves of the archive are worth something.
const noise = Array.from({ length: 3000 }, (_, index) => digestOf(String(index))).join('');
const archive = gzipSync(tarOf([{ name: 'toy-1/main.c', content: noise }]));
const sha256 = digestOf(archive);
const limits = { connect: 1000, answer: 700, stall: 500 };

type ArchiveSource = Extract<Source, { type: 'archive' }>;

function at(url: string, more: Partial<ArchiveSource> = {}): ArchiveSource {
  return { type: 'archive', url, state: 'alive', ...more };
}

function watch(): { events: SourceEvent[]; onEvent: (event: SourceEvent) => void; reasons: () => string[] } {
  const events: SourceEvent[] = [];
  return {
    events,
    onEvent: (event) => events.push(event),
    reasons: () => events.flatMap((event) => (event.kind === 'failed' ? [event.reason] : [])),
  };
}

test.serial(
  'an archive is downloaded, checked, unpacked and kept; the second time nothing is asked',
  async (t) => {
    const store = await useStore(t);
    const server = await serve(t, (_, response) => response.end(archive));
    const selected = recipeOf([at(`${server.url}/toy-1.tgz`, { sha256, size: archive.length })]);
    const { events, onEvent } = watch();
    const tree = await fetchSource(selected, { onEvent });
    t.like(tree, {
      implementation: 'toy',
      release: '1',
      location: `${server.url}/toy-1.tgz`,
      pinned: 'archive',
      cached: false,
      archive: { sha256, size: archive.length, name: 'toy-1.tgz' },
      folder: join(store, 'trees', tree.digest),
    });
    t.is(await readFile(join(tree.folder, 'main.c'), 'utf8'), noise);
    t.deepEqual(
      events.map((event) => event.kind).filter((kind) => kind !== 'progress'),
      ['trying', 'arrived', 'verified', 'unpacked'],
    );
    t.deepEqual(await fetchSource(selected), { ...tree, cached: true });
    t.deepEqual(await fetchSource(selected, { offline: true }), { ...tree, cached: true });
    t.deepEqual(server.asked, ['/toy-1.tgz']);
    t.deepEqual(await readdir(join(store, 'tmp')), []);
    t.deepEqual(await readdir(join(store, 'partial')), []);
  },
);

test.serial('locations are tried in order, those known to be gone last', async (t) => {
  await useStore(t);
  const server = await serve(t, (request, response) => {
    if (request.url !== '/gone') response.statusCode = 404;
    response.end(request.url === '/gone' ? archive : '');
  });
  const gone = at(`${server.url}/gone`, { state: 'gone' });
  const selected = recipeOf([gone, at(`${server.url}/a`), at(`${server.url}/b`)]);
  const { onEvent, reasons } = watch();
  const tree = await fetchSource(selected, { onEvent });
  t.deepEqual(server.asked, ['/a', '/b', '/gone']);
  t.deepEqual(reasons(), Array(2).fill('it answers 404 (there is no such file)'));
  t.like(tree, { location: gone.url, pinned: 'none' });
});

test.serial('redirects are followed, but not in circles and only to HTTP', async (t) => {
  await useStore(t);
  const server = await serve(t, (request, response) => {
    const [, kind, count] = (request.url ?? '').split('/');
    if (kind === 'hop' && count === '0') return response.end(archive);
    const location =
      kind === 'file' ? 'file:///etc/passwd' : kind === 'loop' ? '/loop/1' : `/hop/${Number(count) - 1}`;
    return response.writeHead(302, { location }).end();
  });
  const selected = recipeOf([
    at(`${server.url}/loop/1`),
    at(`${server.url}/file/1`),
    at(`${server.url}/hop/6`),
    at(`${server.url}/hop/5`),
  ]);
  const { onEvent, reasons } = watch();
  t.like(await fetchSource(selected, { onEvent }), { location: `${server.url}/hop/5` });
  t.deepEqual(reasons(), [
    'it redirects more than 5 times',
    'it redirects to file:///etc/passwd, which is no HTTP',
    'it redirects more than 5 times',
  ]);
});

test.serial(
  'what has another digest is refused with both named, not stored, and the next is tried',
  async (t) => {
    const store = await useStore(t);
    const evil = gzipSync(tarOf([{ name: 'toy-1/main.c', content: 'evil' }]));
    const server = await serve(t, (request, response) =>
      response.end(request.url === '/evil' ? evil : archive),
    );
    const selected = recipeOf([at(`${server.url}/evil`, { sha256 }), at(`${server.url}/good`, { sha256 })]);
    const { onEvent, reasons } = watch();
    const tree = await fetchSource(selected, { onEvent });
    t.deepEqual(reasons(), [`the archive that came has sha256 ${digestOf(evil)}, pinned is ${sha256}`]);
    t.is(tree.location, `${server.url}/good`);
    t.deepEqual(await readdir(join(store, 'archives')), [sha256]);
    t.is((await readdir(join(store, 'trees'))).length, 2, 'one tree and its record');
  },
);

test.serial('every pin counts: sha512, md5, size; and the digest of the tree', async (t) => {
  await useStore(t);
  const server = await serve(t, (_, response) => response.end(archive));
  const { url } = server;
  const tree = await fetchSource(recipeOf([at(`${url}/0`)]));
  const other = 'f'.repeat(64);
  const selected = recipeOf(
    [
      at(`${url}/1`, { sha512: 'f'.repeat(128) }),
      at(`${url}/2`, { md5: 'f'.repeat(32) }),
      at(`${url}/3`, { size: 17 }),
      at(`${url}/4`),
    ],
    { trees: [{ sha256: other, seen: 'nowhere' }] },
  );
  const error = await t.throwsAsync(fetchSource(selected), { instanceOf: UnreachableError });
  t.deepEqual(error?.facts.happened.split('\n'), [
    'no location gave it',
    `${url}/1: the archive that came has sha512 ${digestOf(archive, 'sha512')}, pinned is ${'f'.repeat(128)}`,
    `${url}/2: the archive that came has md5 ${digestOf(archive, 'md5')}, pinned is ${'f'.repeat(32)}`,
    `${url}/3: the archive has ${archive.length} bytes, pinned is 17`,
    `${url}/4: the tree that came has sha256 ${tree.digest}, pinned is ${other}`,
  ]);
  t.is(error?.exitCode, 4);
  const right = recipeOf([at(`${url}/5`)], { trees: [{ sha256: tree.digest, seen: 'here' }] });
  t.is((await fetchSource(right)).pinned, 'tree');
});

test.serial('a download that was cut off goes on where it stood, in the next run too', async (t) => {
  await useStore(t);
  const half = Math.floor(archive.length / 2);
  let cut = true;
  const server = await serve(t, (request, response) => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const part = archive.subarray(from);
    response.writeHead(from > 0 && request.headers['if-range'] === '"v1"' ? 206 : 200, {
      etag: '"v1"',
      'content-length': part.length,
      ...(from > 0 ? { 'content-range': `bytes ${from}-${archive.length - 1}/${archive.length}` } : {}),
    });
    if (!cut) return response.end(part);
    // Then silence: the client's own limit ends it.
    return response.write(part.subarray(0, half));
  });
  const selected = recipeOf([at(`${server.url}/toy.tgz`, { sha256 })]);
  const error = await t.throwsAsync(fetchSource(selected, { limits }), {
    instanceOf: UnreachableError,
  });
  t.regex(error?.facts.happened ?? '', /it stalled: no byte came within the time limit/);
  cut = false;
  const { events, onEvent } = watch();
  t.is((await fetchSource(selected, { onEvent })).pinned, 'archive');
  t.deepEqual(server.asked, ['/toy.tgz', `/toy.tgz bytes=${half}-`]);
  t.deepEqual(
    events.filter((event) => event.kind === 'resumed'),
    [{ kind: 'resumed', location: `${server.url}/toy.tgz`, offset: half }],
  );
});

test.serial('a connection that breaks off is taken up again at once', async (t) => {
  await useStore(t);
  const third = Math.floor(archive.length / 3);
  const server = await serve(t, (request, response) => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, {
      'last-modified': 'Sun, 09 Sep 2001 01:46:40 GMT',
      'content-length': archive.length - from,
      ...(from > 0 ? { 'content-range': `bytes ${from}-${archive.length - 1}/${archive.length}` } : {}),
    });
    const end = from < 2 * third ? from + third : archive.length;
    response.write(archive.subarray(from, end), () =>
      end < archive.length ? response.destroy() : response.end(),
    );
  });
  const selected = recipeOf([at(`${server.url}/toy.tgz`)]);
  const tree = await fetchSource(selected);
  t.is(tree.archive?.sha256, sha256);
  t.deepEqual(server.asked, ['/toy.tgz', `/toy.tgz bytes=${third}-`, `/toy.tgz bytes=${2 * third}-`]);
});

test.serial('when the file changed meanwhile, it starts anew', async (t) => {
  await useStore(t);
  let version = 1;
  const server = await serve(t, (_, response) => {
    response.writeHead(200, { etag: `"v${version}"`, 'content-length': archive.length });
    if (version === 2) return response.end(archive);
    version = 2;
    return response.write(Buffer.alloc(1000, 'old'), () => response.destroy());
  });
  const selected = recipeOf([at(`${server.url}/toy.tgz`)]);
  t.is((await fetchSource(selected)).archive?.sha256, sha256);
  t.deepEqual(server.asked, ['/toy.tgz', '/toy.tgz bytes=1000-']);
});

test.serial('a partial file of other bytes does not spoil a pinned download', async (t) => {
  await useStore(t);
  let first = true;
  const server = await serve(t, (request, response) => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (first) {
      first = false;
      response.writeHead(200, { 'content-length': archive.length });
      return response.write(Buffer.alloc(1000, 'bad'), () => response.destroy());
    }
    const part = { 'content-range': `bytes ${from}-${archive.length - 1}/${archive.length}` };
    response.writeHead(from > 0 ? 206 : 200, from > 0 ? part : {});
    return response.end(archive.subarray(from));
  });
  const selected = recipeOf([at(`${server.url}/toy.tgz`, { sha256 })]);
  t.is((await fetchSource(selected)).pinned, 'archive');
  t.deepEqual(server.asked, ['/toy.tgz', '/toy.tgz bytes=1000-', '/toy.tgz']);
});

test.serial('a location that is dead in any way is given up with its reason', async (t) => {
  await useStore(t);
  const silent = await serve(t, () => {});
  const huge = await serve(t, (_, response) =>
    response.writeHead(200, { 'content-length': 2 ** 40 }).write('x'),
  );
  const endless = await serve(t, (_, response) => {
    response.writeHead(200);
    const more = (): void => void response.write(Buffer.alloc(65536), (fault) => fault || setImmediate(more));
    more();
  });
  const page = await serve(t, (_, response) => response.end('<html>This domain is for sale</html>'));
  const selected = recipeOf([
    at('http://host.invalid/toy.tgz'),
    at('http://127.0.0.1:1/toy.tgz'),
    at(silent.url),
    at(huge.url),
    at(endless.url),
    at(page.url),
  ]);
  const { onEvent, reasons } = watch();
  const error = await t.throwsAsync(
    fetchSource(selected, { onEvent, limits: { ...limits, archive: 1_000_000 } }),
    { instanceOf: UnreachableError },
  );
  const found = reasons();
  t.is(found.length, 6);
  t.regex(found[0] ?? '', /host name/);
  t.is(found[1], 'the connection was refused');
  t.is(found[2], 'it gave no answer within the time limit');
  t.is(found[3], `it has ${2 ** 40} bytes, more than the 1000000 allowed`);
  t.is(found[4], 'it sends more than the 1000000 bytes allowed');
  t.is(found[5], 'it is no archive of a known kind (it begins with "<html>This domain is for")');
  t.regex(String(error?.facts.next), /--source DIR\|ARCHIVE\|URL/);
});

test.serial('a source that nobody serves any more says so, and how to bring one', async (t) => {
  const store = await useStore(t);
  const selected = recipeOf([
    at('http://127.0.0.1:1/a', { state: 'gone' }),
    at('http://127.0.0.1:1/b', { state: 'gone' }),
  ]);
  const error = await t.throwsAsync(fetchSource(selected), { instanceOf: UnreachableError });
  t.deepEqual(error?.facts.happened.split('\n'), [
    'nobody serves this release any more: all 2 known locations are gone',
    'http://127.0.0.1:1/a: the connection was refused',
    'http://127.0.0.1:1/b: the connection was refused',
  ]);
  t.is(error?.facts.next, 'bring your own copy: aoe-lab fetch toy --release 1 --source DIR|ARCHIVE|URL');
  const none = recipeOf([]);
  const nowhere = await t.throwsAsync(fetchSource(none), {
    instanceOf: UnreachableError,
  });
  t.is(nowhere?.facts.happened, 'no place is known that ever served it');
  t.false(existsSync(join(store, 'trees')));
});

test.serial('offline nothing is asked', async (t) => {
  await useStore(t);
  const server = await serve(t, (_, response) => response.end(archive));
  const selected = recipeOf([at(`${server.url}/toy.tgz`)]);
  const error = await t.throwsAsync(fetchSource(selected, { offline: true }), {
    instanceOf: UnreachableError,
  });
  t.is(error?.facts.happened, 'the store does not have it');
  t.deepEqual(server.asked, []);
});

test.serial('an abort ends it at once and is no failure of the location', async (t) => {
  const store = await useStore(t);
  const controller = new AbortController();
  const server = await serve(t, (_, response) => {
    response.writeHead(200).write(archive.subarray(0, 100), () => controller.abort(new Error('enough')));
  });
  const selected = recipeOf([at(`${server.url}/a`), at(`${server.url}/b`)]);
  const { onEvent, reasons } = watch();
  await t.throwsAsync(fetchSource(selected, { onEvent, signal: controller.signal }), {
    message: 'enough',
  });
  t.deepEqual(server.asked, ['/a']);
  t.deepEqual(reasons(), []);
  t.deepEqual(await readdir(join(store, 'tmp')), []);
});

test.serial('a proxy named in the environment is used', async (t) => {
  await useStore(t);
  const proxy = await serve(t, (_, response) => response.end(archive));
  process.env.http_proxy = proxy.url;
  t.teardown(() => {
    delete process.env.http_proxy;
  });
  const selected = recipeOf([at('http://host.invalid/toy.tgz', { sha256 })]);
  t.is((await fetchSource(selected)).pinned, 'archive');
  t.deepEqual(proxy.asked, ['http://host.invalid/toy.tgz']);
});
