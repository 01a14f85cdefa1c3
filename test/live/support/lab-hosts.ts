/** Labs on hosts of a test's own: their file, commands on it, and what hosts have before and after. */
import { spawnSync } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { ExecutionContext } from 'ava';
import { stringify } from 'yaml';
import { here } from '../../../src/hosts/host/local.js';
import { listLoops } from '../../../src/serve/storage/loop.js';
import { type CliOptions, type CliResult, cli } from './cli.js';
import { sourceTree } from './machine.js';
import type { LabHost, SshLab } from './ssh-lab.js';

/** Environment of commands on a lab's hosts. */
export function labEnvironment(lab: SshLab): Record<string, string> {
  return { ...lab.env, SSH_AUTH_SOCK: '' };
}

/** Runs `aoe-lab VERB -f FILE …` where the hosts can be reached. */
export function labCli(
  lab: SshLab,
  args: readonly string[],
  options: Omit<CliOptions, 'inside'> = {},
): Promise<CliResult> {
  return cli(args, labEnvironment(lab), { ...options, inside: lab.inside });
}

/** The same, with what it printed as JSON. */
export async function labJson<T>(
  lab: SshLab,
  args: readonly string[],
): Promise<{ exitCode: number | null; result: T; stderr: string }> {
  const { exitCode, stdout, stderr } = await labCli(lab, [...args, '--json']);
  try {
    return { exitCode, result: JSON.parse(stdout) as T, stderr };
  } catch {
    throw new Error(`aoe-lab ${args.join(' ')} ended with ${exitCode}: ${stderr}${stdout}`);
  }
}

/** Implementations that can be had here, with their sources, as a lab names them. */
export function labImplementations(): Record<string, { release?: string; source?: string }> {
  const found: Record<string, { release?: string; source?: string }> = { vblade: {}, native: {} };
  for (const [name, release, tree] of [
    ['ggaoed', '1.1', 'ggaoed-1.1'],
    ['qaoed', undefined, 'qaoed-trunk'],
  ] as const) {
    const source = sourceTree(tree);
    if ('path' in source) found[name] = { ...(release && { release }), source: source.path };
  }
  return found;
}

export async function writeLabFile(lab: SshLab, content: object): Promise<string> {
  const file = join(lab.folder, 'lab.yaml');
  await writeFile(file, stringify(content));
  return file;
}

/** Runs a command on a host by ssh(1), the host's way in that is not ours. */
export function onHost(
  t: ExecutionContext,
  lab: SshLab,
  name: string,
  command: string,
  input = Buffer.alloc(0),
): string {
  const config = join(lab.folder, 'home', '.ssh', 'config');
  const [program = '', ...words] = lab.inside(['ssh', '-F', config, name, command]);
  const { stdout, stderr, status } = spawnSync(program, words, { encoding: 'utf8', input });
  t.is(status, 0, `${command}: ${stderr}`);
  return stdout.trim();
}

export interface HostContents {
  files: string[];
  processes: string[];
  loops: string[];
}

/** What a host has that a lab may add to: files but logs, which are kept for a while, processes and loop devices on its files. */
export async function contentsOf(t: ExecutionContext, lab: SshLab, host: LabHost): Promise<HostContents> {
  const all = await readdir(host.upper, { recursive: true, withFileTypes: true });
  const processes = onHost(t, lab, host.name, 'ps -e -o args=').split('\n');
  return {
    files: all
      .map(({ parentPath, name }) => join('/', relative(host.upper, parentPath), name))
      .filter((path) => !path.startsWith('/var/lib/aoe-lab/logs'))
      .sort(),
    processes: processes
      .filter((args) => !/^(sshd|\/usr\/sbin\/sshd|ps |sh |bash |-?bash)/.test(args.trim()))
      .sort(),
    loops: (await listLoops(here))
      .map(({ device, file }) => `${device} ${file}`)
      .filter((text) => text.includes(lab.folder)),
  };
}
