/** What hosts of a test are asked by `findHost`, in a process of its own where they can be reached. */
import { spawn } from 'node:child_process';
import { appendFile, chmod, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MissingError, UnreachableError } from '../../../src/base/errors.js';
import { here } from '../../../src/hosts/host/local.js';
import { fetchDebianPackages } from '../../../src/make/debian/packages.js';
import { MAIN } from './cli.js';
import type { LabHost, SshLab } from './ssh-lab.js';

const fixture = fileURLToPath(new URL('./fixture-host.js', import.meta.url));

export interface Told {
  value?: unknown;
  kind?: string;
  message?: string;
  facts?: { happened: string; next?: string | string[] };
}

/** What the steps gave, the finding first. */
export async function ask(
  lab: SshLab,
  words: readonly (string | readonly unknown[])[],
  env: Record<string, string> = {},
): Promise<Told[]> {
  const argv = [
    process.execPath,
    fixture,
    ...words.map((word) => (typeof word === 'string' ? word : JSON.stringify(word))),
  ];
  // Without a terminal: what would be asked for there goes to SSH_ASKPASS.
  const [program = '', ...args] = ['setsid', '--wait', ...lab.inside(argv)];
  const child = spawn(program, args, { env: { ...process.env, SSH_AUTH_SOCK: '', ...lab.env, ...env } });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  await new Promise((resolve) => child.once('close', resolve));
  if (err !== '') throw new Error(err);
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Told);
}

export const HOSTNAME = ['run', ['hostname']] as const;

export function stdout(told: Told | undefined): string {
  return (told?.value as { stdout: string } | undefined)?.stdout ?? `(${told?.message})`;
}

export async function configure(lab: SshLab, text: string): Promise<void> {
  const path = join(lab.folder, 'home', '.ssh', 'config');
  const before = await readFile(path, 'utf8');
  await writeFile(path, `${text}\n${before}`, { mode: 0o600 });
}

/** A program for SSH_ASKPASS that gives one answer and writes down the questions. */
export async function askpass(
  lab: SshLab,
  answer: string,
): Promise<{ SSH_ASKPASS: string; SSH_ASKPASS_REQUIRE: string }> {
  const path = join(lab.folder, `askpass-${answer}`);
  await writeFile(path, `#!/bin/sh\nprintf '%s\\n' "$1" >> ${lab.folder}/questions\necho '${answer}'\n`);
  await chmod(path, 0o755);
  return { SSH_ASKPASS: path, SSH_ASKPASS_REQUIRE: 'force' };
}

/** Adds a user who may log in with the lab's key; takes effect at the next boot. */
export async function addUser(lab: SshLab, host: LabHost, name: string, password: string): Promise<void> {
  const etc = join(host.upper, 'etc');
  const home = join(host.upper, 'home', name, '.ssh');
  await mkdir(home, { recursive: true });
  await cp(join(lab.folder, 'home', '.ssh', 'id_ed25519.pub'), join(home, 'authorized_keys'));
  await writeFile(join(etc, 'passwd'), await readFile('/etc/passwd'));
  await appendFile(join(etc, 'passwd'), `${name}:x:1500:1500::/home/${name}:/bin/sh\n`);
  const { stdout: hash } = await here.run(['openssl', 'passwd', '-6', '-stdin'], { input: `${password}\n` });
  await writeFile(join(etc, 'shadow'), `root:*:19000::::::\n${name}:${hash.trim()}:19000::::::\n`, {
    mode: 0o600,
  });
  // sudo looks its own host's name up.
  await writeFile(join(etc, 'hosts'), `127.0.0.1 localhost ${host.name}\n`);
}

/** Debian's sudo on a host, with rules; takes effect at the next boot. */
export async function installSudo(host: LabHost, rules: string): Promise<void> {
  const { folder } = await sudoPackage();
  // Not its lib, which is a link on a system with merged folders.
  for (const part of ['usr', 'etc']) await here.run(['cp', '-a', `${folder}/${part}`, host.upper]);
  await writeFile(join(host.upper, 'etc', 'sudoers'), `${rules}\n`, { mode: 0o440 });
}

const sudoPackage = () => fetchDebianPackages({ suite: 'bookworm', names: ['sudo'] });

/** Undefined, or why no sudo can be had. */
export async function noSudo(): Promise<string | undefined> {
  try {
    await sudoPackage();
    return undefined;
  } catch (error) {
    if (!(error instanceof UnreachableError || error instanceof MissingError)) throw error;
    return `no sudo can be had: ${error.facts.happened}`;
  }
}

/** Runs the command line tool where it can reach the lab's hosts. */
export async function cliInside(
  lab: SshLab,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const [program = '', ...words] = ['setsid', '--wait', ...lab.inside([process.execPath, MAIN, ...args])];
  const child = spawn(program, words, {
    env: { ...process.env, NO_COLOR: '1', SSH_AUTH_SOCK: '', ...lab.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const told = { exitCode: null as number | null, stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (chunk) => {
      told[stream] += chunk;
    });
  }
  told.exitCode = await new Promise((resolve) => child.once('close', resolve));
  return told;
}
