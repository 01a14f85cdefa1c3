/** When a process that ended is started again. */
export type RestartPolicy = 'on-failure';

/**
 * `$1` is the pause in seconds. A signal to the shell ends it at once, also while it waits; but HUP, which tells daemons
 * of a change: all processes of an export get it.
 */
const LOOP = `trap : HUP
pause=$1; shift
while :; do
  "$@" && exit 0
  echo "aoe-lab: it ended with $?, and is started again"
  sleep "$pause"
done`;

/** Seconds; while an interface is down, vblade ends as soon as it is started. */
const PAUSE = 1;

/**
 * The command that keeps a process running: a shell, which every host has. It ends with the process when that ends
 * without a failure, and is found and ended by the same mark as the process (see processes.ts).
 */
export function supervised(argv: readonly string[], policy: RestartPolicy | undefined): string[] {
  return policy === undefined ? [...argv] : ['sh', '-c', LOOP, 'aoe-lab-supervisor', String(PAUSE), ...argv];
}
