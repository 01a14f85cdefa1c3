/**
 * What was started is written down by the started process itself, before it becomes the target: a file beside its log with
 * its process id, its start time, the boot's id and its mark. It counts where the mark in the environment can't be read,
 * as that of a program with file capabilities can't by its own user (proc(5), PR_SET_DUMPABLE).
 */
import type { StateFolder } from './entry.js';

/** Functions of the shell that know processes by builtins alone. Start times are field 22 of stat in proc(5), in ticks. */
export const KNOW_PROCESSES = `living() {
  state=
  { while read -r key value rest; do
      if [ "$key" = State: ]; then state=$value; break; fi
    done < "/proc/$1/status"; } 2>/dev/null
  case $state in ''|Z|X) ;; *) return 0;; esac
  set -- "/proc/$1/task/"*
  [ $# -gt 1 ]
}
twentieth() { begun=\${20}; }
find_start() {
  stat=; begun=
  { while read -r line; do stat="$stat $line"; done < "/proc/$1/stat"; } 2>/dev/null
  twentieth \${stat##*) }
}
find_boot() { boot=; read -r boot 2>/dev/null < /proc/sys/kernel/random/boot_id; :; }`;

/**
 * Record, command. All records of one mark are of one length and written over, which needs no room on a full disk. Nothing is
 * forked: a child would bear the mark too.
 */
const RECORD = `${KNOW_PROCESSES}
record=$1; shift
find_boot; find_start self
printf '%10s %20s %36s\\n%s\\n' "$$" "$begun" "$boot" "$AOE_LAB_RUN" 1<> "$record" || exit 1
exec "$@"`;

/** The command that writes its process down and becomes another one. */
export function recorded(argv: readonly string[], record: string): string[] {
  return ['sh', '-c', RECORD, 'aoe-lab-start', record, ...argv];
}

/** In the folder of logs, which is there once anything is started. @param program name of a program (see program.ts) */
export function recordPath(state: StateFolder, program: string): string {
  return state.logPath(program).replace(/log$/, 'run');
}
