/** A lab by Ansible: what the rendered playbook makes of real hosts is what `plan` wants, and its end leaves nothing. */
import { spawnSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { LabPlan } from '../../src/manage/lab/actions.js';
import type { StatusReport } from '../../src/serve/exports/status-report.js';
import { noProgram } from '../manage/ansible/tools.js';
import { noPlay, type Played, planned, play, rendered } from './support/ansible-lab.js';
import { contentsOf, labCli, labImplementations, labJson, onHost } from './support/lab-hosts.js';
import { LONG, ordinary, testUnless } from './support/machine.js';
import { type SshLab, sshLab } from './support/ssh-lab.js';

const implementations = labImplementations();
const names = Object.keys(implementations);

const HOSTS = ['one', 'two'];
/** A name that a shell, a unit and Jinja would each make something else of. */
const ODD = `/srv/lab/it's "50%" $HOME \\ {{ 7*7 }}{% if %}.img`;

interface LabExportFile {
  address: string;
  host: string;
  implementation: string;
  file: string;
  loop?: boolean;
  options?: object;
}

/** An export of each implementation, on each host in turn, and one of an odd file on each; half of them on loop devices. */
function exportsOf(): LabExportFile[] {
  return [
    ...names.map((implementation, slot) => ({
      address: `e${slot % 2}.${slot}`,
      host: HOSTS[slot % 2] as string,
      implementation,
      file: `/srv/lab/${slot}.img`,
      ...(slot < 2 ? { loop: true } : {}),
    })),
    { address: 'e0.20', host: 'one', implementation: 'vblade', file: ODD },
    { address: 'e1.20', host: 'two', implementation: 'native', file: ODD },
  ];
}

function labOf(exports: readonly LabExportFile[]): object {
  return {
    lab: 'test',
    defaults: { interface: 'san0', size: '1M', persist: true },
    implementations,
    hosts: Object.fromEntries(HOSTS.map((host) => [host, {}])),
    exports,
  };
}

async function played(
  t: ExecutionContext,
  lab: SshLab,
  folder: string,
  words: readonly string[],
): Promise<Played> {
  const outcome = await play(lab, folder, words);
  t.deepEqual([outcome.exitCode, outcome.failed], [0, 0], outcome.output);
  return outcome;
}

testUnless(
  noPlay,
  `a lab of ${names.join(', ')} by Ansible: made, nothing left to do, changed, refused, ended without a trace`,
  async (t) => {
    t.timeout(1_800_000);
    const lab = await sshLab(t, HOSTS, { init: 'systemd' });
    for (const { name } of lab.hosts) onHost(t, lab, name, 'mkdir -p /var/lib/aoe-lab /srv/lab');
    const before = await Promise.all(lab.hosts.map((host) => contentsOf(t, lab, host)));
    const exports = exportsOf();
    const [file, folder] = await rendered(t, lab, labOf(exports));

    if (LONG) {
      await played(t, lab, folder, ['site.yml', '--check']);
      const untouched = await labJson<LabPlan>(lab, ['plan', '-f', file]);
      t.is(untouched.result.actions.length, exports.length, 'a check changes nothing');
    }
    const first = await played(t, lab, folder, ['site.yml']);
    t.true(first.changed > 0);
    await planned(t, lab, file, exports.length);
    const found = await labJson<{ shelf: number; slot: number }[]>(lab, ['discover', '--iface', 'san0']);
    t.deepEqual(
      found.result.map(({ shelf, slot }) => `e${shelf}.${slot}`).sort(),
      exports.map(({ address }) => address).sort(),
    );
    const seen = await labJson<StatusReport[]>(lab, ['status', '--host', HOSTS.join(',')]);
    for (const { id, rights } of seen.result.flatMap((report) => report.exports)) {
      t.like(rights, { noNewPrivileges: true, seccomp: true }, id);
      const most = ['net_raw', 'dac_override', 'ipc_lock'];
      t.deepEqual(
        rights?.capabilities.filter((name) => !most.includes(name)),
        [],
        id,
      );
    }
    if (LONG) t.is((await played(t, lab, folder, ['site.yml'])).changed, 0);

    // Entries are as good as those of `apply`: unexport ends one of them, with the file that was made.
    const [gone, moved, ...others] = exports as [LabExportFile, LabExportFile, ...LabExportFile[]];
    const [rest, ended] = [others.slice(0, -1), others.at(-1) as LabExportFile];
    const ends = ['unexport', '--host', ended.host, '--force', ended.address, '--json'];
    const unexported = await labCli(lab, ends);
    t.is(unexported.exitCode, 0, unexported.stderr);
    t.regex(unexported.stdout, /"file": "removed"/);

    // One goes, one moves to the other host, one gets another option, and somebody has stopped all of a host.
    const other = rest.find(({ host }) => host !== moved.host) as LabExportFile;
    const next = [
      ended,
      ...rest.map((one) => (one === other ? { ...one, options: { readOnly: true } } : one)),
      { ...moved, host: other.host, file: '/srv/lab/moved.img' },
    ];
    await rendered(t, lab, labOf(next));
    onHost(t, lab, 'two', "systemctl stop 'aoe-lab-*'");
    await played(t, lab, folder, ['site.yml']);
    await planned(t, lab, file, next.length);
    t.is(onHost(t, lab, gone.host, `ls /etc/systemd/system | grep -c -e '${gone.address}-' || :`), '0');

    // A file that is another one than in the run before is neither served nor removed; and nothing is left to do elsewhere.
    onHost(t, lab, 'one', 'cd /srv/lab && echo theirs > new && mv new moved.img');
    const refused = await play(lab, folder, ['site.yml']);
    t.deepEqual([refused.failed, refused.changed], [1, 0], refused.output);
    t.regex(refused.output, /moved\.img: it is another file than the file that was exported/);
    t.regex(refused.output, /^two +: ok=\d+ +changed=0 +unreachable=0 +failed=0 /m);

    await played(t, lab, folder, ['destroy.yml']);
    t.is(onHost(t, lab, 'one', 'cat /srv/lab/moved.img && rm /srv/lab/moved.img'), 'theirs');
    const after = await Promise.all(lab.hosts.map((host) => contentsOf(t, lab, host)));
    t.deepEqual(after.map(cleaned), before.map(cleaned));
  },
);

/** Without what Ansible and systemd (PrivateTmp) keep of themselves on a host. */
function cleaned({ files, ...rest }: Awaited<ReturnType<typeof contentsOf>>): object {
  const theirs = /^\/(root\/\.ansible|var\/tmp|var\/log|var\/lib\/systemd|tmp)(\/|$)/;
  return { ...rest, files: files.filter((path) => !theirs.test(path)) };
}

testUnless(
  noPlay ?? noProgram('ansible-lint') ?? ordinary,
  'ansible-lint finds nothing in what is rendered',
  async (t) => {
    t.timeout(600_000);
    const lab = await sshLab(t, [], {});
    const [, folder] = await rendered(t, lab, labOf(exportsOf()));
    // It writes a cache of its own into the folder of a user.
    const { status, stdout, stderr } = spawnSync(
      'ansible-lint',
      ['--offline', '--nocolor', '--profile', 'production'],
      {
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, HOME: join(lab.folder, 'home') },
      },
    );
    t.is(status, 0, `${stdout}${stderr}`);
    await rm(join(folder, '.cache'), { recursive: true, force: true });
  },
);
