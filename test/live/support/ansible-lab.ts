/** What tests of `render ansible` share: a lab rendered, and played on hosts of a test's own. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { LabPlan } from '../../../src/manage/lab/actions.js';
import { noProgram } from '../../manage/ansible/tools.js';
import { labCli, labEnvironment, labJson, writeLabFile } from './lab-hosts.js';
import { builtVblade } from './machine.js';
import { noSystemdLab, type SshLab } from './ssh-lab.js';

const built = await builtVblade();

/** Undefined, or why no lab can be played here. */
export const noPlay =
  noSystemdLab() ?? noProgram('ansible-playbook') ?? ('reason' in built ? built.reason : undefined);

export interface Played {
  exitCode: number | null;
  /** Of all hosts. */
  changed: number;
  failed: number;
  output: string;
}

/**
 * Runs ansible-playbook where it can reach the hosts.
 * @param meanwhile is given what kills it and all that it has started, with -9
 */
export function play(
  lab: SshLab,
  folder: string,
  words: readonly string[],
  meanwhile?: (kill: () => void) => unknown,
): Promise<Played> {
  const [program = '', ...rest] = lab.inside(['ansible-playbook', ...words]);
  const config = join(lab.folder, 'home', '.ssh', 'config');
  const env = {
    ...labEnvironment(lab),
    ANSIBLE_NOCOLOR: '1',
    ANSIBLE_SSH_ARGS: `-F ${config} -o ControlMaster=auto -o ControlPersist=10s`,
  };
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: meanwhile !== undefined,
    });
    let isOver = false;
    meanwhile?.(() => isOver || process.kill(-(child.pid as number), 'SIGKILL'));
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
      });
    }
    child.once('error', reject);
    child.once('exit', (exitCode) => {
      isOver = true;
      const sum = (word: string): number =>
        [...output.matchAll(new RegExp(`^\\S+ +: .*\\b${word}=(\\d+)`, 'gm'))].reduce(
          (all, [, n]) => all + Number(n),
          0,
        );
      resolve({ exitCode, changed: sum('changed'), failed: sum('failed') + sum('unreachable'), output });
    });
  });
}

/** Writes a lab, and renders it. */
export async function rendered(
  t: ExecutionContext,
  lab: SshLab,
  wanted: object,
): Promise<[file: string, folder: string]> {
  const file = await writeLabFile(lab, wanted);
  const folder = join(lab.folder, 'ansible');
  const { exitCode, stderr } = await labCli(lab, [
    'render',
    'ansible',
    '-f',
    file,
    '-o',
    folder,
    '--node',
    process.execPath,
  ]);
  t.is(exitCode, 0, stderr);
  return [file, folder];
}

/** Sees that nothing is left to do. */
export async function planned(
  t: ExecutionContext,
  lab: SshLab,
  file: string,
  unchanged: number,
): Promise<void> {
  const { exitCode, result } = await labJson<LabPlan>(lab, ['plan', '-f', file]);
  t.deepEqual([exitCode, result.unchanged, result.actions, result.troubles], [0, unchanged, [], []]);
}
