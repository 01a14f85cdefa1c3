import { quoteArgv } from '../../hosts/host/quote.js';
import type { RestartPolicy } from './entry.js';
import { RUN_MARK } from './processes.js';

/** `$1` is the pause in seconds. A signal to the shell ends it at once, also while it waits. */
const LOOP = `pause=$1; shift
while :; do
  "$@"
  echo "aoe-lab: it ended with $?, and is started again at $(date -u +%Y-%m-%dT%H:%M:%SZ)"
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
 * @param beside runs beside the program and is told its process id; it is none of the processes that serve
 */
export function guarded(
  argv: readonly string[],
  before: readonly (readonly string[])[],
  beside?: readonly string[],
): string[] {
  if (before.length === 0 && beside === undefined) return [...argv];
  const watch = beside === undefined ? '' : `{ (unset ${RUN_MARK}; exec ${quoteArgv(beside)} "$$") & } && `;
  const first = before.map((one) => `${quoteArgv(one)} && `).join('');
  return ['sh', '-c', `${first}${watch}exec "$@"`, 'aoe-lab-start', ...argv];
}
