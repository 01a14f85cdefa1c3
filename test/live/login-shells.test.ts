/** Whatever login shell and start-up files a host has, commands run there, or the cause is named. */
import type { ExecutionContext } from 'ava';
import { testUnless } from './support/machine.js';
import { noRoughHosts, putFile, setBashrc, setLoginShell } from './support/rough-hosts.js';
import { cliInside } from './support/ssh-ask.js';
import { type LabHost, type SshLab, sshLab } from './support/ssh-lab.js';

type Place = Pick<LabHost, 'name' | 'upper'>;

const LOUD = 'echo "hello from a start-up file"; echo "and an error" >&2';
const WORKING: Readonly<Record<string, (host: Place) => Promise<void>>> = {
  tcsh: async (host) => {
    await setLoginShell(host, '/bin/tcsh');
    await putFile(host, '/root/.cshrc', 'echo "hello from csh"\n');
  },
  fish: async (host) => {
    await setLoginShell(host, '/usr/bin/fish');
    await putFile(host, '/root/.config/fish/config.fish', 'echo "hello from fish"\n');
  },
  loud: (host) => setBashrc(host, `${LOUD}\nhead -c 300000 /dev/zero | tr '\\0' x; echo\n`),
  greedy: (host) => setBashrc(host, 'read -t 0.1 answer; echo "read: $answer"\n'),
};
const FAILING: Readonly<Record<string, [prepare: (host: Place) => Promise<void>, cause: RegExp]>> = {
  tmux: [(host) => setBashrc(host, 'exec tmux\n'), /not a terminal/],
  leaves: [(host) => setBashrc(host, 'echo "no business here"; exit 0\n'), /no business here/],
  closed: [(host) => setLoginShell(host, '/usr/sbin/nologin'), /not available/],
  endless: [(host) => setBashrc(host, 'yes\n'), /printed more than/],
};

async function done(t: ExecutionContext, lab: SshLab, args: string[], exitCode = 0) {
  const result = await cliInside(lab, args);
  t.is(result.exitCode, exitCode, `${args.join(' ')}: ${result.stderr}${result.stdout}`);
  return result;
}

testUnless(
  noRoughHosts('tcsh', 'fish', 'tmux'),
  'C4: tcsh, fish, start-up files that print or read: an export is made, seen and ended',
  async (t) => {
    t.timeout(600_000);
    const prepare = async (host: Place) => WORKING[host.name]?.(host);
    const lab = await sshLab(t, Object.keys(WORKING), { prepare });
    for (const [index, name] of Object.keys(WORKING).entries()) {
      await done(t, lab, ['host', 'check', name]);
      const words = ['--impl', 'native', '--shelf', '0', '--slot', String(index), '--iface', 'san0'];
      const file = ['--file', `/srv/it's "a" $disk!`, '--size', '1M'];
      await done(t, lab, ['export', '--host', name, ...words, ...file]);
      const { stdout } = await done(t, lab, ['status', '--host', name, '--json']);
      t.like(JSON.parse(stdout).exports[0], { state: 'serving', file: file[1] });
      await done(t, lab, ['unexport', '--force', '--host', name, '--all', '--remove-file']);
    }
  },
);

testUnless(
  noRoughHosts('tmux'),
  'C4: a start-up file or login shell that leads to no command is named, with what it printed and a next step',
  async (t) => {
    t.timeout(600_000);
    const prepare = async (host: Place) => FAILING[host.name]?.[0](host);
    const lab = await sshLab(t, Object.keys(FAILING), { prepare });
    for (const [name, [, cause]] of Object.entries(FAILING)) {
      const { stderr } = await done(t, lab, ['status', '--host', name], 3);
      t.regex(stderr, /by the login shell of root/);
      t.regex(stderr, cause);
      t.regex(stderr, /start-up files/);
    }
  },
);

testUnless(
  noRoughHosts(),
  'C4: where sshd takes one channel a connection, an export is made, seen and ended',
  async (t) => {
    t.timeout(600_000);
    const lab = await sshLab(t, ['narrow'], { settings: ['MaxSessions 1'] });
    const words = ['--impl', 'native', '--shelf', '0', '--slot', '1', '--iface', 'san0'];
    await done(t, lab, ['export', '--host', 'narrow', ...words, '--file', '/srv/disk', '--size', '1M']);
    const { stdout } = await done(t, lab, ['status', '--host', 'narrow', '--json']);
    t.is(JSON.parse(stdout).exports[0].state, 'serving');
    await done(t, lab, ['unexport', '--force', '--host', 'narrow', '--all', '--remove-file']);
  },
);
