import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { CommandError } from '../../../src/hosts/host/command-error.js';
import { here } from '../../../src/hosts/host/local.js';
import {
  type Isolation,
  isolated,
  isolationOn,
  isolationRemark,
} from '../../../src/make/compile/isolation.js';
import { withRelease } from '../../../src/make/recipe/load.js';
import { temporaryFolder } from '../../base/temporary.js';
import { noCompiler, testUnless } from '../../live/support/machine.js';
import { recipeWith, release, sharedFolder } from '../patch/trees.js';
import { buildOf } from './build-of.js';
import { writeProject } from './project.js';

process.env.AOE_LAB_CACHE = sharedFolder();

/** What a way of isolation needs that is not here. */
async function lacks(way: Isolation): Promise<string | undefined> {
  const words = way === 'bwrap' ? ['bwrap', '--ro-bind', '/', '/', '--unshare-net'] : ['unshare', '-n'];
  try {
    await here.run([...words, 'true']);
    return undefined;
  } catch {
    return `needs ${words[0]} to work here`;
  }
}

const [noBwrap, noUnshare] = await Promise.all([lacks('bwrap'), lacks('unshare')]);

testUnless(noBwrap ?? noCompiler(), 'HOSTILE 15: steps of a build see no network', async (t) => {
  const tree = writeProject(await temporaryFolder(t));
  const steps = [{ run: ['sh', '-c', 'tail -n +3 /proc/net/dev | cut -d: -f1 > hello'] }];
  const built = await buildOf(
    tree,
    withRelease(
      recipeWith([], { requires: [], steps, artifacts: [{ name: 'hello', path: 'hello' }] }),
      release,
    ),
  );
  t.is(readFileSync(built.artifacts[0]?.path ?? '', 'utf8').trim(), 'lo');
  t.is(built.isolation, 'bwrap');
  t.regex(readFileSync(built.log, 'utf8'), /^network: none \(bwrap\)$/m);
});

testUnless(
  noBwrap,
  'HOSTILE 15: by bubblewrap, steps write to the tree and temporary folders of their own alone',
  async (t) => {
    const folder = await temporaryFolder(t);
    t.is(await isolationOn(here, { folder }), 'bwrap');
    const runner = isolated(here, 'bwrap', { folder });
    await runner.run(['sh', '-c', ': > in-tree'], { cwd: folder });
    t.true(existsSync(join(folder, 'in-tree')));
    const home = execFileSync('sh', ['-c', 'cd && pwd'], { encoding: 'utf8' }).trim();
    const error = await t.throwsAsync(runner.run(['touch', join(home, '.aoe-lab-isolation')]), {
      instanceOf: CommandError,
    });
    t.regex(error?.stderr ?? '', /Read-only file system/);
  },
);

testUnless(
  noBwrap,
  'HOSTILE 15: by bubblewrap, root’s steps have no rights, see no process and no socket of others, and change nothing of the kernel',
  async (t) => {
    const folder = await temporaryFolder(t);
    const beside = await temporaryFolder(t);
    const runner = isolated(here, 'bwrap', { folder });
    const ask = async (script: string) =>
      (await runner.run(['sh', '-c', script], { cwd: folder })).stdout.trim();
    t.is(await ask('grep CapEff /proc/self/status | tr -d "CapEf:\\t0"'), '');
    t.is(await ask(`[ -e /proc/${process.pid} ] || echo hidden`), process.pid > 50 ? 'hidden' : '');
    t.is(await ask(`[ -e ${beside} ] || echo hidden; ls -A /run/ | grep -v current-system; :`), 'hidden');
    t.is(await ask('ls /dev | grep -c -e loop -e mem -e sd -e tun || :'), '0');
    for (const script of [
      'cat /proc/sys/kernel/core_pattern > /proc/sys/kernel/core_pattern',
      `touch ${join(process.cwd(), 'escaped')}`,
      'nsenter -t 1 -n true',
      'mknod block b 7 0',
      ': < /dev/tty',
    ]) {
      await t.throwsAsync(ask(`{ ${script}; } 2>&1`), { instanceOf: CommandError }, script);
    }
  },
);

testUnless(
  noBwrap ?? noCompiler(),
  'HOSTILE 15: an artifact that is a link to elsewhere is none',
  async (t) => {
    const tree = writeProject(await temporaryFolder(t));
    const steps = [{ run: ['ln', '-s', '/etc/passwd', 'linked'] }];
    const artifacts = [{ name: 'linked', path: 'linked' }];
    await t.throwsAsync(
      buildOf(tree, withRelease(recipeWith([], { requires: [], steps, artifacts }), release)),
      {
        message: /there is no file linked afterwards/,
      },
    );
  },
);

for (const [way, reason] of [
  ['bwrap', noBwrap],
  ['unshare', noUnshare],
] as const) {
  testUnless(reason, `a command that is not there is told as without isolation: ${way}`, async (t) => {
    const folder = await temporaryFolder(t);
    const error = await t.throwsAsync(
      isolated(here, way, { folder }).run(['no-such-command', 'x'], { cwd: folder }),
      {
        instanceOf: CommandError,
      },
    );
    t.regex(error?.message ?? '', /no such command/);
  });
}

test('HOSTILE 15: where nothing isolates, that is found and said', async (t) => {
  const asked: string[] = [];
  const run = async (argv: readonly string[]) => {
    asked.push(argv[4] ?? '');
    return { exitCode: 9, stdout: '', stderr: '', duration: 0 };
  };
  const isolation = await isolationOn({ run }, { folder: '/x' });
  t.deepEqual(asked, ['bwrap', 'unshare']);
  t.is(isolation, 'none');
  t.regex(isolationRemark({ isolation, cached: false }) ?? '', /could reach the network/);
  t.regex(isolationRemark({ isolation: 'unshare', cached: false }) ?? '', /nothing else kept them/);
  t.is(isolationRemark({ isolation: 'bwrap', cached: false }), undefined);
  t.is(isolationRemark({ isolation, cached: true }), undefined);
});
