/** Ansible's own programs, where they are. */
import { spawnSync } from 'node:child_process';

/** Undefined, or why a program of Ansible's can't be asked here. */
export function noProgram(name: 'ansible-playbook' | 'ansible-lint'): string | undefined {
  return spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0 ? undefined : `needs ${name}`;
}
