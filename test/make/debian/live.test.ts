import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, statSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { digestOfFile } from '../../../src/base/digest.js';
import { UnreachableError } from '../../../src/base/errors.js';
import type { Source } from '../../../src/make/recipe/schema.js';
import { fetchSource, type SourceTree } from '../../../src/make/source/fetch.js';
import { recipeOf } from '../source/helpers.js';

const SHA512 =
  'a70ee7e98a71bc2a649501c92e6c37fc0410837f5f68f9501e75b688743f0bbe2d1f93969b3a9fe068247cd49c209ba72f794dcbb68ee9d955c0f7fad774fd92';

/** Names, sizes and times of all that apt keeps for the machine. */
function stateOfMachine(): string {
  const hash = createHash('sha256');
  const visit = (folder: string): void => {
    for (const child of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, child.name);
      const { size, mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { size: 0, mtimeMs: 0 };
      hash.update(`${path} ${size} ${mtimeMs}\n`);
      if (child.isDirectory()) visit(path);
    }
  };
  for (const folder of ['/etc/apt', '/var/lib/apt', '/var/cache/apt']) visit(folder);
  return hash.digest('hex');
}

const store = mkdtempSync(join(tmpdir(), 'aoe-lab-apt-'));
process.env.AOE_LAB_CACHE = store;
test.after.always(() => rm(store, { recursive: true, force: true }));

const debian = { type: 'debian', package: 'vblade', version: '25', state: 'alive' } as const;

/** Tried before the tests are named, for only the attempt tells whether apt reaches source packages from here. */
function attempt(): { tree: SourceTree; touched: boolean } | { reason: string } {
  if (spawnSync('apt-get', ['--version']).error !== undefined) return { reason: 'there is no apt here' };
  const pinned = { type: 'archive', url: 'http://127.0.0.1:1/vblade', state: 'gone', sha512: SHA512 };
  const before = stateOfMachine();
  const fixture = fileURLToPath(new URL('../source/fixture-fetch.js', import.meta.url));
  const argv = [fixture, JSON.stringify([debian, pinned])];
  const outcome = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  const result = JSON.parse(outcome.stdout) as SourceTree | { happened: string };
  if ('folder' in result) return { tree: result, touched: stateOfMachine() !== before };
  const reason = /no archive of this machine's apt.*|lists no package archive.*/.exec(result.happened)?.[0];
  if (reason === undefined) throw new Error(result.happened);
  return { reason: `apt reaches no source package here, ${reason}` };
}

const outcome = attempt();
const why = 'reason' in outcome ? `: ${outcome.reason}` : '';
const run = 'reason' in outcome ? test.skip : test.serial;

run(`vblade 25 comes from its Debian source package, and the machine's apt is untouched${why}`, async (t) => {
  if ('reason' in outcome) return t.fail();
  const { tree, touched } = outcome;
  t.false(touched);
  t.regex(tree.location, /^Debian source package vblade 25 \(25-.*\)$/);
  t.like(tree, {
    pinned: 'archive',
    digest: 'cb2bcfd06726e2951d4d6fac938cfa884bef96335c6d333374c10d8346b55a36',
  });
  t.is(await digestOfFile(join(store, 'archives', tree.archive?.sha256 ?? ''), 'sha512'), SHA512);
  const names = await readdir(tree.folder);
  t.true(names.includes('aoe.c'));
  t.false(names.includes('debian'), 'the upstream tree alone');
});

run(`a version or a package that no archive has is told from the lists at hand${why}`, async (t) => {
  const stamp = await readFile(join(store, 'apt/updated.json'), 'utf8');
  const reasonFor = async (source: Source): Promise<string> => {
    const selected = recipeOf([source]);
    const error = await t.throwsAsync(fetchSource(selected), { instanceOf: UnreachableError });
    return error?.facts.happened ?? '';
  };
  t.regex(await reasonFor({ ...debian, version: '1' }), /there is 25-.*, but no 1$/);
  t.regex(
    await reasonFor({ ...debian, package: 'no-such-package-as-this' }),
    /has the source package no-such-package-as-this$/,
  );
  t.is(await readFile(join(store, 'apt/updated.json'), 'utf8'), stamp, 'the lists were young enough');
});
