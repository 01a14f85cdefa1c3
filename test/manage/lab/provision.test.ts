import test from 'ava';
import { CommandError } from '../../../src/hosts/host/command-error.js';
import type { Host, RunResult } from '../../../src/hosts/host/host.js';
import type { LabExport } from '../../../src/manage/lab/lab.js';
import { planLab } from '../../../src/manage/lab/plan.js';
import { judgeProvision } from '../../../src/manage/lab/provision.js';
import { sharedFolder } from '../../make/patch/trees.js';

process.env.AOE_LAB_CACHE = sharedFolder();

const KERNEL = '6.8.0-40-generic';
const headers = { 'include/config/auto.conf': 'CONFIG_X=y\n', 'Module.symvers': '0x1\tprintk\n' };
const COMPILER = 'Target: aarch64-linux-gnu\ngcc version 12.2.0\nglibc 2.36\n';

interface Far {
  machine?: string;
  /** Places of what is missing, as the look for requirements prints them. */
  missing?: string;
  files?: Record<string, string>;
  /** What its commands end with. */
  error?: Error;
}

/** A host that answers from memory, and what was asked of it. */
function far({ machine = 'aarch64', missing = '', files = {}, error }: Far): { host: Host; asked: string[] } {
  const asked: string[] = [];
  const host = {
    name: 'far',
    isHere: false,
    facts: async () => ({ machine, kernel: KERNEL }),
    read: async (path: string) => {
      const text = files[path.replace(`/lib/modules/${KERNEL}/build/`, '')];
      if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
      return Buffer.from(text);
    },
    run: async (argv: readonly string[]): Promise<RunResult> => {
      asked.push(argv.join(' '));
      if (error !== undefined) throw error;
      const script = argv[2] ?? '';
      const stdout = script.startsWith('n=0')
        ? missing
        : script.startsWith('gcc')
          ? COMPILER
          : script.includes('node')
            ? 'v20.19.0\n/usr/bin/node\n'
            : 'glibc 2.36\n';
      return { exitCode: 0, stdout, stderr: '', duration: 0 };
    },
  } as unknown as Host;
  return { host, asked };
}

const one = (slot: number, implementation: string, more: Partial<LabExport> = {}): LabExport => ({
  host: 'far',
  address: { shelf: 0, slot },
  implementation,
  segment: 'san',
  iface: 'san0',
  file: `/srv/${slot}`,
  options: {},
  ...more,
});

async function judged(host: Host, exports: LabExport[], offline?: boolean) {
  const lab = {
    name: 'mine',
    hosts: [{ name: 'far', ssh: 'far' }],
    segments: [{ name: 'san', interface: 'san0' }],
    exports,
  };
  const plan = planLab(lab, [{ host: 'far', exports: [] }]);
  const { actions, troubles } = await judgeProvision(plan, new Map([['far', host]]), {
    parallel: 1,
    offline,
  });
  return { made: actions.map(({ id }) => id), troubles };
}

test('what a host lacks to build a target is trouble of each export by it, asked once', async (t) => {
  const { host, asked } = far({ missing: '0\n1\n' });
  const { made, troubles } = await judged(host, [one(1, 'vblade'), one(2, 'vblade')]);
  t.deepEqual(made, []);
  t.deepEqual(
    troubles.map(({ id, happened }) => [id, happened]),
    ['e0.1@san0', 'e0.2@san0'].map((id) => [
      id,
      'building vblade 25: missing on far: command gcc, command make',
    ]),
  );
  t.is(troubles[0]?.next, 'aoe-lab host prepare far --install brings what Debian calls gcc make');
  t.true(asked.length <= 2, asked.join('\n'));
});

test('a host of another processor that has a compiler builds it, and is no trouble', async (t) => {
  const { host, asked } = far({});
  const { made, troubles } = await judged(host, [one(1, 'vblade'), one(2, 'vblade')]);
  t.deepEqual([made, troubles], [['e0.1@san0', 'e0.2@san0'], []]);
  t.true(asked.length <= 3, asked.join('\n'));
});

test('the native target on another kind of processor is trouble; the others are made', async (t) => {
  const { host } = far({});
  const { made, troubles } = await judged(host, [one(1, 'vblade'), one(2, 'native')]);
  t.deepEqual(made, ['e0.1@san0']);
  t.regex(troubles[0]?.happened ?? '', /^providing native for far: it is a aarch64, and this machine/);
});

test('a question that a host does not answer is trouble, told as such', async (t) => {
  const argv = ['sh', '-c', 'getconf'];
  const error = new CommandError('far', argv, { exitCode: 255, stdout: '', stderr: 'connection lost' });
  const { host } = far({ error });
  const { made, troubles } = await judged(host, [one(1, 'vblade')]);
  t.deepEqual(made, []);
  t.regex(
    troubles[0]?.happened ?? '',
    /^whether vblade can be built for it can't be asked: .*connection lost/,
  );
});

test('a module for a kernel without headers is trouble; with headers there, it is built there', async (t) => {
  const without = await judged(far({ machine: 'x86_64' }).host, [one(1, 'kvblade')]);
  t.deepEqual(without.made, []);
  t.regex(
    without.troubles[0]?.happened ?? '',
    /^looking for the headers of Linux 6\.8\.0-40-generic \(far\): it is no kernel of Debian/,
  );
  const files = headers;
  t.deepEqual((await judged(far({ machine: 'x86_64', files }).host, [one(1, 'kvblade')])).troubles, []);
  const bare = await judged(far({ files, missing: '1\n' }).host, [one(1, 'kvblade')]);
  t.regex(bare.troubles[0]?.happened ?? '', /missing on far: command make$/);
  const half = await judged(far({ files: { 'include/config/auto.conf': '' } }).host, [one(1, 'kvblade')]);
  t.regex(half.troubles[0]?.happened ?? '', /no Module\.symvers/);
});

test("a user's copy that is not there, and offline a source that the store lacks, are trouble", async (t) => {
  const { host } = far({});
  const own = await judged(host, [one(1, 'vblade', { source: '/nowhere/vblade' }), one(2, 'vblade')]);
  t.deepEqual(own.made, ['e0.2@san0']);
  t.is(own.troubles[0]?.happened, 'taking the source from /nowhere/vblade: there is nothing of that name');
  const offline = await judged(host, [one(1, 'vblade')], true);
  t.regex(offline.troubles[0]?.happened ?? '', /^fetching vblade 25 from the store alone/);
});
