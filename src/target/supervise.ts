import { quoteArgv } from '../host/quote.js';

/** When a process that ended is started again: whatever it ended with, until its export ends. */
export type RestartPolicy = 'on-failure';

/**
 * `$1` is the pause in seconds. A signal to the shell ends it at once, also while it waits; but HUP, which tells daemons
 * of a change: all processes of an export get it.
 */
const LOOP = `trap : HUP
pause=$1; shift
while :; do
  "$@"
  echo "aoe-lab: it ended with $?, and is started again"
  sleep "$pause"
done`;

/** Seconds; while an interface is down, vblade ends as soon as it is started. */
const PAUSE = 1;

/**
 * The command that keeps a process running: a shell, which every host has. A target that finds its disk gone may end with
 * success, so what it ends with does not matter; the shell is found and ended by the same mark as the process (see
 * processes.ts).
 */
export function supervised(argv: readonly string[], policy: RestartPolicy | undefined): string[] {
  return policy === undefined ? [...argv] : ['sh', '-c', LOOP, 'aoe-lab-supervisor', String(PAUSE), ...argv];
}

/**
 * The command that runs others before each start of a program, and then becomes it. Where one of them fails, the program is
 * not started, and the command ends with that one's exit code: whatever keeps the program running tries again.
 */
export function guarded(argv: readonly string[], before: readonly (readonly string[])[]): string[] {
  if (before.length === 0) return [...argv];
  return ['sh', '-c', `${before.map(quoteArgv).join(' && ')} && exec "$@"`, 'aoe-lab-start', ...argv];
}
