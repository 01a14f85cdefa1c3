import { spawn } from 'node:child_process';
import { appendFile, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { LabError, MissingError, UnreachableError, UsageError } from '../../../src/base/errors.js';
import { here } from '../../../src/hosts/host/local.js';
import { findKernel } from '../../../src/make/debian/kernels.js';
import { fetchDebianPackages } from '../../../src/make/debian/packages.js';
import type { SourceEvent } from '../../../src/make/store/events.js';

const store = await mkdtemp(join(tmpdir(), 'aoe-lab-packages-'));
process.env.AOE_LAB_CACHE = store;

const request = { suite: 'bookworm', names: ['dropbear-bin', 'libtommath1'] };

/** Tried before the tests are named, for only the attempt tells whether apt reaches Debian's archive from here. */
const reason = await fetchDebianPackages({ suite: 'bookworm', names: ['libcom-err2'] }).then(
  () => undefined,
  (error: unknown) => {
    if (error instanceof MissingError || error instanceof UnreachableError) return error.facts.happened;
    throw error;
  },
);
test.after.always(() => rm(store, { recursive: true, force: true }));
const run = reason === undefined ? test.serial : test.skip;
const why = reason === undefined ? '' : ` (skipped: ${reason})`;

run(
  `packages are downloaded, unpacked into one folder, and taken from the store afterwards${why}`,
  async (t) => {
    const looked = await fetchDebianPackages(request, { look: true });
    t.is(await here.stat(looked.folder), undefined);
    const first = await fetchDebianPackages(request);
    t.deepEqual(looked, first);
    t.deepEqual(
      first.packages.map(({ name }) => name),
      request.names,
    );
    t.true((await stat(join(first.folder, 'usr/sbin/dropbear'))).isFile());
    t.true((await readdir(join(first.folder, 'usr/lib/x86_64-linux-gnu'))).includes('libtommath.so.1'));
    const events: SourceEvent[] = [];
    const again = await fetchDebianPackages(request, {
      offline: true,
      onEvent: (event) => events.push(event),
    });
    t.deepEqual(again, first);
    t.deepEqual(
      events.map(({ kind }) => kind),
      ['cached'],
    );
  },
);

run(`what was changed in the store is found in a later process and made again${why}`, async (t) => {
  const { folder } = await fetchDebianPackages(request);
  const file = join(folder, 'usr/bin/dropbearkey');
  const { size } = await stat(file);
  await appendFile(file, 'x');
  const found = await inAnotherProcess(request);
  t.deepEqual(found.kinds, ['cached', 'discarded']);
  t.is((await stat(file)).size, size);
});

run(`a .deb that was changed in the store is downloaded again${why}`, async (t) => {
  const { packages } = await fetchDebianPackages(request);
  const sha256 = packages[1]?.sha256 ?? '';
  await appendFile(join(store, 'archives', sha256), 'x');
  const offline = await t.throwsAsync(fetchDebianPackages(request, { offline: true }), {
    instanceOf: UnreachableError,
  });
  t.is(offline?.facts.happened, 'its files are no longer there');
  t.deepEqual((await fetchDebianPackages(request)).packages, packages);
});

run(`a process killed at any moment leaves nothing that a later one stumbles over${why}`, async (t) => {
  const { folder, packages } = await fetchDebianPackages(request);
  const before = await readFile(`${folder}.json`, 'utf8');
  for (const delay of [150, 250, 350, 500, 800]) {
    await rm(folder, { recursive: true, force: true });
    await rm(join(store, 'archives', packages[0]?.sha256 ?? ''), { force: true });
    const child = fixture(request);
    await sleep(delay);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    t.deepEqual((await inAnotherProcess(request)).packages, packages);
    t.is(await readFile(`${folder}.json`, 'utf8'), before);
  }
  t.deepEqual(await readdir(join(store, 'tmp')), []);
});

run(`kernels are found by suite and version; wrong names are said to be wrong${why}`, async (t) => {
  const kernel = await findKernel('bookworm/6.1');
  t.regex(kernel.release, /^6\.1\.0-\d+-amd64$/);
  t.deepEqual(kernel.image, [`linux-image-${kernel.release}`]);
  t.deepEqual(kernel.headers, [
    `linux-headers-${kernel.release}`,
    `linux-headers-${kernel.release.replace('amd64', 'common')}`,
    'linux-kbuild-6.1',
  ]);
  t.is(kernel.compiler, 'gcc-12');
  t.deepEqual(await findKernel('6.1', { offline: true }), { ...kernel, name: '6.1' });
  await t.throwsAsync(findKernel('bookworm/6.10'), { message: /Debian bookworm has none for amd64/ });
  await t.throwsAsync(findKernel('2.6'), { instanceOf: UsageError });
  await t.throwsAsync(fetchDebianPackages({ suite: 'bookworm', names: ['no-such-package'] }), {
    message: /looking for the package no-such-package in Debian bookworm/,
  });
  await t.throwsAsync(fetchDebianPackages({ suite: '../x', names: ['a'] }), { instanceOf: UsageError });
});

test('without apt the error says so', async (t) => {
  const { PATH } = process.env;
  const folder = await mkdtemp(join(store, 'path-'));
  const { stdout } = await here.run(['sh', '-c', 'command -v flock; command -v sh; command -v cat']);
  for (const path of stdout.trim().split('\n')) {
    await here.run(['ln', '-s', path, folder]);
  }
  process.env.PATH = folder;
  try {
    const error = await t.throwsAsync(fetchDebianPackages({ suite: 'bookworm', names: ['zlib1g'] }), {
      instanceOf: LabError,
    });
    t.is(error?.facts.happened, 'this machine has no apt');
  } finally {
    process.env.PATH = PATH;
  }
});

function fixture(wanted: typeof request) {
  const path = fileURLToPath(new URL('../source/fixture-packages.js', import.meta.url));
  return spawn(process.execPath, [path, JSON.stringify(wanted)], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function inAnotherProcess(wanted: typeof request): Promise<{ kinds: string[]; packages: unknown }> {
  let text = '';
  for await (const chunk of fixture(wanted).stdout) text += chunk;
  return JSON.parse(text);
}
