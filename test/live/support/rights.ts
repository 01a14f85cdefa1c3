/** What a running target may do and has from its starter, asked of /proc on its host. */
import type { ExecutionContext } from 'ava';
import type { Host } from '../../../src/hosts/host/host.js';

const BITS: Record<string, number> = { dac_override: 1, net_raw: 13, ipc_lock: 14 };

const SCRIPT = `cd "/proc/$1" && cat status && echo @environ && tr '\\0' '\\n' < environ | sed 's/=.*//' && echo @fds
for fd in fd/*; do readlink "$fd"; done`;

/** Names that shells set in the environment of what they become; native's recipe sets the last. */
const OF_SHELLS = /^(PWD|OLDPWD|SHLVL|_|UV_THREADPOOL_SIZE)$/;

/** @param status of a process or a thread (proc(5)) */
export function assertRights(t: ExecutionContext, status: string, capabilities: readonly string[]): void {
  const field = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1];
  const only = capabilities.reduce((sum, name) => sum | (1 << (BITS[name] as number)), 0);
  const hex = only.toString(16).padStart(16, '0');
  const none = '0'.repeat(16);
  const names = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs'];
  t.deepEqual(names.map(field), [none, hex, hex, hex, none, '1'], `process ${field('Pid')}`);
}

/**
 * Asserts that it has these capabilities alone and gains none, a clean environment, and no files but its own open.
 * @param files what those begin with
 */
export async function assertLeast(
  t: ExecutionContext,
  host: Host,
  pid: number,
  capabilities: readonly string[],
  files: readonly string[],
): Promise<void> {
  const { stdout } = await host.run(['sh', '-c', SCRIPT, 'sh', String(pid)]);
  assertRights(t, stdout, capabilities);
  const [, environ = '', fds = ''] = stdout.split(/^@(?:environ|fds)$/m);
  const variables = environ.split('\n').filter((name) => name !== '' && !OF_SHELLS.test(name));
  t.deepEqual(variables.sort(), ['AOE_LAB_RUN', 'LANG', 'PATH'], `process ${pid}`);
  const strange = fds
    .split('\n')
    // Of hosts of a lab under systemd they are told as this machine has them.
    .map((to) => to.replace(/^\/tmp\/aoe-lab-hosts-[^/]+\/[^/]+\/root(?=\/)/, ''))
    .filter((to) => to !== '' && !/^(\/dev\/null|socket:|pipe:|anon_inode:|\/.*\.log$)/.test(to))
    .filter((to) => !files.some((file) => to.startsWith(file)));
  t.deepEqual(strange, [], `process ${pid}`);
}
