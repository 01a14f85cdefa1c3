import { spawnSync } from 'node:child_process';
import test from 'ava';
import { LocalHost } from '../../../src/hosts/host/local.js';
import { confined, confinementOf } from '../../../src/hosts/tools/confine.js';

const host = new LocalHost();
const confinement = process.platform === 'linux' ? await confinementOf(host) : 'none';
const needed = confinement === 'capabilities' ? undefined : `setpriv does this here: ${confinement}`;

const STATUS = ['sed', '-n', 's/^\\(Cap[A-Z][a-z]*\\|NoNewPrivs\\):[[:space:]]*/\\1 /p', '/proc/self/status'];

function statusOf(argv: readonly string[]): Record<string, string> {
  const { stdout } = spawnSync(argv[0] as string, argv.slice(1), { encoding: 'utf8' });
  return Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ')),
  );
}

test('where the host can take rights away, a program has those that it needs and no others, nor what it starts', (t) => {
  if (needed !== undefined) {
    t.pass(needed);
    return;
  }
  const kept = (1 << 13) | (1 << 1);
  const only = kept.toString(16).padStart(16, '0');
  const none = '0'.repeat(16);
  const expected = { CapInh: none, CapPrm: only, CapEff: only, CapBnd: only, CapAmb: none, NoNewPrivs: '1' };
  const capabilities = ['net_raw', 'dac_override'];
  t.deepEqual(statusOf(confined(STATUS, capabilities, 'capabilities')), expected);
  t.deepEqual(
    statusOf(confined(['sh', '-c', 'exec "$@"', 'sh', ...STATUS], capabilities, 'capabilities')),
    expected,
  );
  t.is(statusOf(confined(STATUS, [], 'capabilities')).CapEff, none);
});

test("where setpriv knows no bounding set, as busybox's, no privileges are gained at least", (t) => {
  if (needed !== undefined) {
    t.pass(needed);
    return;
  }
  t.like(statusOf(confined(STATUS, ['net_raw'], 'privileges')), { NoNewPrivs: '1' });
});

test('a program of an ordinary user is started as it is: its own file may give it what it needs', (t) => {
  t.deepEqual(confined(['native'], ['net_raw'], 'user'), ['native']);
  t.deepEqual(confined(['native'], ['net_raw'], 'none'), ['native']);
});

test('a host without setpriv, or with a small one, is told from one that has it', async (t) => {
  const asked = async (setpriv: string, uid = '0') => {
    const programs = `id() { echo ${uid}; }; setpriv() { ${setpriv}; }; `;
    const run: LocalHost['run'] = (argv) => host.run(['sh', '-c', programs + argv[2]]);
    return confinementOf(Object.assign(new LocalHost(), { run }));
  };
  t.is(await asked('return 127'), 'none');
  t.is(await asked('case "$*" in *bounding*) return 1 ;; esac'), 'privileges');
  t.is(await asked(':'), 'capabilities');
  t.is(await asked(':', '1000'), 'user');
});
