/** A lab by Ansible: what the rendered playbook makes of real hosts is what `plan` wants, and its end leaves nothing. */
import { spawnSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabPlan } from '../../src/lab/plan.js';
import { noProgram } from '../lab/ansible/tools.js';
import { noPlay, planned, play, rendered } from './ansible-lab.js';
import { contentsOf, labImplementations, labJson, onHost } from './lab-hosts.js';
import { testUnless } from './machine.js';
import { sshLab } from './ssh-lab.js';

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

/** An export of each implementation on each host, on odd files and loop devices. */
function exportsOf(): LabExportFile[] {
  return HOSTS.flatMap((host, shelf) => [
    ...names.map((implementation, slot) => ({
      address: `e${shelf}.${slot}`,
      host,
      implementation,
      file: `/srv/lab/${slot}.img`,
      ...(slot % 2 === shelf ? { loop: true } : {}),
    })),
    {
      address: `e${shelf}.20`,
      host,
      implementation: HOSTS[shelf] === 'one' ? 'vblade' : 'native',
      file: ODD,
    },
  ]);
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

testUnless(
  noPlay,
  `a lab of ${names.join(', ')} by Ansible: made, nothing left to do, changed, ended without a trace`,
  async (t) => {
    t.timeout(1_800_000);
    const lab = await sshLab(t, HOSTS, { init: 'systemd' });
    for (const { name } of lab.hosts) onHost(t, lab, name, 'mkdir -p /var/lib/aoe-lab /srv/lab');
    const before = await Promise.all(lab.hosts.map((host) => contentsOf(t, lab, host)));
    const exports = exportsOf();
    const [file, folder] = await rendered(t, lab, labOf(exports));

    const tried = await play(lab, folder, ['site.yml', '--check']);
    t.deepEqual([tried.exitCode, tried.failed], [0, 0], tried.output);
    const untouched = await labJson<LabPlan>(lab, ['plan', '-f', file]);
    t.is(untouched.result.actions.length, exports.length, 'a check changes nothing');

    const first = await play(lab, folder, ['site.yml']);
    t.deepEqual([first.exitCode, first.failed], [0, 0], first.output);
    t.true(first.changed > 0);
    await planned(t, lab, file, exports.length);
    const found = await labJson<{ shelf: number; slot: number }[]>(lab, ['discover', '--iface', 'san0']);
    t.deepEqual(
      found.result.map(({ shelf, slot }) => `e${shelf}.${slot}`).sort(),
      exports.map(({ address }) => address).sort(),
    );
    const second = await play(lab, folder, ['site.yml']);
    t.deepEqual([second.exitCode, second.changed, second.failed], [0, 0, 0], second.output);

    // One goes, one moves to the other host, one gets another option, and somebody has stopped all of a host.
    const [gone, moved, ...rest] = exports as [LabExportFile, LabExportFile, ...LabExportFile[]];
    const other = exports.filter(({ host }) => host !== moved.host).at(-1) as LabExportFile;
    const next = [
      ...rest.map((one) => (one === other ? { ...one, options: { readOnly: true } } : one)),
      { ...moved, host: other.host, file: '/srv/lab/moved.img' },
    ];
    await rendered(t, lab, labOf(next));
    onHost(t, lab, 'two', "systemctl stop 'aoe-lab-*'");
    const changed = await play(lab, folder, ['site.yml']);
    t.deepEqual([changed.exitCode, changed.failed], [0, 0], changed.output);
    await planned(t, lab, file, next.length);
    t.is(onHost(t, lab, gone.host, `ls /etc/systemd/system | grep -c -e '${gone.address}-' || :`), '0');

    const ended = await play(lab, folder, ['destroy.yml']);
    t.deepEqual([ended.exitCode, ended.failed], [0, 0], ended.output);
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
  noPlay ?? noProgram('ansible-lint'),
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
