import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { UnreachableError } from '../../../src/base/errors.js';
import type { Source } from '../../../src/make/recipe/schema.js';
import { fetchSource, type SourceTree } from '../../../src/make/source/fetch.js';
import { treeDigest } from '../../../src/make/store/tree-digest.js';
import { folderOf, recipeOf, useStore } from './helpers.js';

const missing = (...programs: string[]): string =>
  programs
    .filter((program) => spawnSync(program, ['--version']).error !== undefined)
    .map((program) => `: ${program} is not installed`)
    .join('');
const noGit = missing('git');
const noSvn = missing('svn', 'svnadmin');
const withGit = noGit === '' ? test.serial : test.skip;
const withSvn = noSvn === '' ? test.serial : test.skip;

function fetched(source: Source, options: Parameters<typeof fetchSource>[1] = {}): Promise<SourceTree> {
  const selected = recipeOf([source]);
  return fetchSource(selected, options);
}

withGit(`HOSTILE: filters of the user's own run on no tree that is fetched${noGit}`, async (t) => {
  await useStore(t);
  const folder = await folderOf(t);
  const pwned = join(folder, 'pwned');
  const home = await folderOf(t);
  await writeFile(join(home, '.gitconfig'), `[filter "own"]\n  smudge = touch ${pwned}; echo other\n`);
  const git = (...argv: string[]): string =>
    execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.invalid', ...argv], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' },
      encoding: 'utf8',
    });
  git('init', '--quiet', '--initial-branch=main');
  await writeFile(join(folder, '.gitattributes'), '*.c filter=own\n');
  await writeFile(join(folder, 'main.c'), 'as it is');
  git('add', '.');
  git('commit', '--quiet', '-m', 'one');
  const before = process.env.HOME;
  process.env.HOME = home;
  t.teardown(() => {
    process.env.HOME = before;
  });
  const tree = await fetched({ type: 'git', url: `file://${folder}`, state: 'alive' });
  t.is(await readFile(join(tree.folder, 'main.c'), 'utf8'), 'as it is');
  t.false(existsSync(pwned));
});

const withGitAsRoot = noGit === '' && process.getuid?.() === 0 ? test.serial : test.skip;
withGitAsRoot(`HOSTILE: A10: root's git obeys no settings of another user's${noGit}`, async (t) => {
  await useStore(t);
  const folder = await folderOf(t);
  const home = await folderOf(t);
  const ran = join(folder, '.git', 'ran');
  await writeFile(join(home, '.gitconfig'), `[core]\n  fsmonitor = "touch ${ran}; false"\n`);
  const git = (...argv: string[]): string =>
    execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.invalid', ...argv], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' },
      encoding: 'utf8',
    });
  git('init', '--quiet', '--initial-branch=main');
  await writeFile(join(folder, 'main.c'), 'as it is');
  git('add', '.');
  git('commit', '--quiet', '-m', 'one');
  const before = process.env.HOME;
  process.env.HOME = home;
  t.teardown(() => {
    process.env.HOME = before;
  });
  const source: Source = { type: 'git', url: `file://${folder}`, state: 'alive' };
  await chown(home, 1000, 1000);
  await fetched(source);
  t.false(existsSync(ran));
  // Root's own are, as an ordinary user's: proxies and authorities stand there.
  await chown(home, 0, 0);
  await useStore(t);
  await fetched(source);
  t.true(existsSync(ran));
});

withGit(`git: a branch, a tag, a commit, or what the repository has checked out${noGit}`, async (t) => {
  await useStore(t);
  const folder = await folderOf(t);
  const env = { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
  const git = (...argv: string[]): string =>
    execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.invalid', ...argv], {
      cwd: folder,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  git('init', '--quiet', '--initial-branch=main');
  await mkdir(join(folder, 'sub/CVS'), { recursive: true });
  await writeFile(join(folder, 'sub/main.c'), 'one');
  await writeFile(join(folder, 'sub/CVS/Root'), 'x');
  git('add', '.');
  git('commit', '--quiet', '-m', 'one');
  git('tag', 'v1');
  const first = git('rev-parse', 'HEAD');
  const digest = await treeDigest(join(folder, 'sub'));
  await writeFile(join(folder, 'sub/main.c'), 'two');
  git('commit', '--quiet', '-am', 'two');
  const second = git('rev-parse', 'HEAD');
  git('config', 'uploadpack.allowAnySHA1InWant', 'true');
  const url = `file://${folder}`;
  const source = { type: 'git', url, state: 'alive', subdir: 'sub' } as const;
  // As inside a git hook: must not lead git elsewhere.
  process.env.GIT_DIR = join(folder, 'nowhere');
  t.teardown(() => {
    delete process.env.GIT_DIR;
  });
  const tag = await fetched({ ...source, ref: 'v1' });
  t.like(tag, { digest, location: `git ${url} at v1 (commit ${first})`, pinned: 'none' });
  t.deepEqual(await readdir(tag.folder), ['main.c']);
  t.is((await fetched({ ...source, ref: first })).digest, digest);
  const head = await fetched(source);
  t.is(head.location, `git ${url} (commit ${second})`);
  t.is(await readFile(join(head.folder, 'main.c'), 'utf8'), 'two');
  t.deepEqual(await fetched(source, { offline: true }), { ...head, cached: true });
  const own = recipeOf([]);
  const byUrl = await fetchSource(own, { source: `git+${url}#v1` });
  t.is(byUrl.location, `git+${url}#v1 (commit ${first})`);
  const lost = await t.throwsAsync(fetched({ ...source, ref: 'nothing' }), { instanceOf: UnreachableError });
  t.regex(lost?.facts.happened ?? '', /git says: fatal: .*nothing/);
});

withGit(`git: a repository that is not there, and an address that would run a command${noGit}`, async (t) => {
  await useStore(t);
  const gone = await t.throwsAsync(fetched({ type: 'git', url: 'git://127.0.0.1:1/toy', state: 'gone' }), {
    instanceOf: UnreachableError,
  });
  t.regex(
    gone?.facts.happened ?? '',
    /nobody serves.*only known location is gone\n.*git says: fatal: unable to connect/s,
  );
  const evil = await t.throwsAsync(fetched({ type: 'git', url: 'ext::sh -c true', state: 'alive' }), {
    instanceOf: UnreachableError,
  });
  t.regex(evil?.facts.happened ?? '', /can be fetched safely/);
});

withSvn(`svn: a folder of a repository, at its newest or a given revision${noSvn}`, async (t) => {
  await useStore(t);
  const folder = await folderOf(t);
  execFileSync('svnadmin', ['create', join(folder, 'repo')]);
  const url = `file://${folder}/repo/trunk`;
  await mkdir(join(folder, 'one/toy'), { recursive: true });
  await writeFile(join(folder, 'one/toy/main.c'), 'one');
  const digest = await treeDigest(join(folder, 'one/toy'));
  execFileSync('svn', ['import', '--quiet', '-m', 'one', join(folder, 'one'), url]);
  execFileSync('svn', ['checkout', '--quiet', url, join(folder, 'copy')]);
  await writeFile(join(folder, 'copy/toy/main.c'), 'two');
  execFileSync('svn', ['commit', '--quiet', '-m', 'two', join(folder, 'copy')]);
  const source = { type: 'svn', url, state: 'alive', subdir: 'toy' } as const;
  t.like(await fetched({ ...source, revision: 1 }), { digest, location: `svn ${url} at r1 (revision 1)` });
  const newest = await fetched(source);
  t.is(newest.location, `svn ${url} (revision 2)`);
  t.is(await readFile(join(newest.folder, 'main.c'), 'utf8'), 'two');
  const own = recipeOf([source]);
  const { digest: byCheckout } = await fetchSource(own, { source: join(folder, 'copy') });
  t.is(byCheckout, newest.digest);
  t.is((await fetchSource(own, { source: `svn+${url}` })).digest, newest.digest);
  const wrong = await t.throwsAsync(fetched({ ...source, subdir: 'nothing' }), {
    instanceOf: UnreachableError,
  });
  t.regex(wrong?.facts.happened ?? '', /there is no folder nothing in it/);
  const gone = await t.throwsAsync(fetched({ ...source, url: `file://${folder}/nowhere` }), {
    instanceOf: UnreachableError,
  });
  t.regex(gone?.facts.happened ?? '', /svn says: E\d+: /);
});

test.serial('without git, svn and apt each location says what to install', async (t) => {
  await useStore(t);
  const bin = await folderOf(t);
  const { PATH } = process.env;
  for (const program of ['flock', 'sh', 'cat', 'mkdir']) {
    const path = execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
    execFileSync('ln', ['-s', path, bin]);
  }
  process.env.PATH = bin;
  t.teardown(() => {
    process.env.PATH = PATH;
  });
  const selected = recipeOf([
    { type: 'git', url: 'git://127.0.0.1:1/toy', state: 'alive' },
    { type: 'svn', url: 'svn://127.0.0.1:1/toy', state: 'alive' },
    { type: 'debian', package: 'toy', version: '1', state: 'alive' },
  ]);
  const error = await t.throwsAsync(fetchSource(selected), { instanceOf: UnreachableError });
  t.deepEqual(error?.facts.happened.split('\n'), [
    'no location gave it',
    'git git://127.0.0.1:1/toy: git is not installed (apt-get install git)',
    'svn svn://127.0.0.1:1/toy: svn is not installed (apt-get install subversion)',
    'Debian source package toy 1: this machine has no apt',
  ]);
});
