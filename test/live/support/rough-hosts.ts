/** What makes hosts of a test's lab as people have them: login shells, start-up files, tools that are small or missing. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LabHost } from './ssh-lab.js';
import { noSshLab } from './ssh-lab.js';

type Place = Pick<LabHost, 'name' | 'upper'>;

/** Undefined, or which program of this machine, on whose root hosts stand, is not there. */
export function noRoughHosts(...programs: readonly string[]): string | undefined {
  const missing = programs.find((program) => !existsSync(join('/usr/bin', program)));
  return noSshLab() ?? (missing === undefined ? undefined : `needs ${missing}`);
}

export async function putFile({ upper }: Place, path: string, text: string, mode = 0o644): Promise<void> {
  await mkdir(join(upper, dirname(path)), { recursive: true });
  await writeFile(join(upper, path), text, { mode });
}

export async function setLoginShell(host: Place, shell: string): Promise<void> {
  const passwd = await readFile('/etc/passwd', 'utf8');
  await putFile(host, '/etc/passwd', passwd.replace(/^(root:.*:)[^:]*$/m, `$1${shell}`));
}

/** bash reads it for commands over SSH as well. */
export async function setBashrc(host: Place, text: string): Promise<void> {
  const config = join(host.upper, 'etc/ssh/sshd_config');
  await writeFile(config, (await readFile(config, 'utf8')).replace(/^SetEnv .*\n/m, ''));
  await putFile(host, '/root/.bashrc', text);
}

/** Programs that are busybox's. */
export async function useBusybox({ upper }: Place, ...names: readonly string[]): Promise<void> {
  for (const folder of ['usr/bin', 'usr/sbin']) {
    await mkdir(join(upper, folder), { recursive: true });
    for (const name of names) {
      if (!existsSync(join('/', folder, name))) continue;
      await rm(join(upper, folder, name), { force: true });
      await symlink('/usr/bin/busybox', join(upper, folder, name));
    }
  }
}

/** Programs that are not there: what hides a file of the lower layer is a device 0:0 (kernel's overlayfs.rst, whiteouts). */
export async function takeAway({ upper }: Place, ...names: readonly string[]): Promise<void> {
  for (const folder of ['usr/bin', 'usr/sbin']) {
    await mkdir(join(upper, folder), { recursive: true });
    for (const name of names) {
      if (existsSync(join('/', folder, name))) spawnSync('mknod', [join(upper, folder, name), 'c', '0', '0']);
    }
  }
}

/** A program in place of the host's own. */
export async function replaceProgram(host: Place, path: string, script: string): Promise<void> {
  await rm(join(host.upper, path), { force: true });
  await putFile(host, path, script, 0o755);
}
