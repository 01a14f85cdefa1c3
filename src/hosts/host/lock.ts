/** Locks on a host, by flock(1): what asks for one, waits for it and tells whom it waits for is one script, here and over SSH. */
import { hostname } from 'node:os';
import { LabError, linesOf, MissingError } from '../../base/errors.js';
import { quoteArgv } from './quote.js';

/** Exit code for a lock that others have not given back in time. */
const BUSY = 75;
const NO_FLOCK = 69;
const FORBIDDEN = 77;
/** Those that `refusal` knows. */
export const LOCK_CODES: readonly number[] = [BUSY, NO_FLOCK, FORBIDDEN, 126, 127];

/**
 * Path, tries at intervals of 0.1 s, who asks. Prints `held PID COMMAND` a holder and `waiting` once where it has to wait, then
 * `taken`. The lock is that of its shell, which reads standard input to its end: that comes with the end of the one who asks,
 * by kill -9 and with the connection too. Whoever inherited the descriptor holds it as well, and /proc/locks may name one that
 * has ended: fdinfo (proc(5)) tells of those that live, where it can be read.
 */
export const LOCK = `case $1 in */*) [ -z "\${1%/*}" ] || [ -d "\${1%/*}" ] || mkdir -p "\${1%/*}" || exit ${FORBIDDEN} ;; esac
[ -d "$1" ] || : >> "$1" || exit ${FORBIDDEN}
[ -r "$1" ] || exit ${FORBIDDEN}
command -v flock > /dev/null || exit ${NO_FLOCK}
exec 9< "$1"
tell() { [ -r "/proc/$1/cmdline" ] && printf 'held %s %s\\n' "$1" "$(tr '\\0\\n' '  ' < "/proc/$1/cmdline")"; }
holders() {
  inode=$(ls -Ldi "$1") || return
  inode=\${inode#"\${inode%%[0-9]*}"}; inode=\${inode%%[!0-9]*}
  last=
  for info in $(grep -lsE "FLOCK .*:$inode 0 EOF" /proc/[0-9]*/fdinfo/*); do
    pid=\${info#/proc/}; pid=\${pid%%/*}
    [ "$pid" != "$last" ] && [ "/proc/$pid/fd/\${info##*/}" -ef "$1" ] && tell "$pid" && last=$pid
  done
  [ -n "$last" ] || while read -r _ kind _ _ pid where _; do
    case $kind:$where in FLOCK:*:$inode) tell "$pid" ;; esac
  done < /proc/locks
}
n=0
while :; do
  flock -n 9
  code=$?
  [ "$code" -ne 0 ] || break
  [ "$code" -eq 1 ] || exit "$code"
  if [ "$n" -ge "$2" ]; then holders "$1"; exit ${BUSY}; fi
  if [ "$n" -eq 0 ]; then holders "$1"; echo waiting; fi
  if sleep 0.1 2> /dev/null; then n=$((n + 1)); else sleep 1; n=$((n + 10)); fi
done
echo taken
while read -r _; do :; done`;

const WHO = 'aoe-lab-holder=';
/** Characters of a command that are shown. */
const LONGEST = 200;

/** Arguments of `LOCK`. @param wait milliseconds */
export function lockArguments(path: string, wait: number): string[] {
  const command = quoteArgv(['aoe-lab', ...process.argv.slice(2)]).slice(0, LONGEST);
  return [path, String(Math.ceil(wait / 100)), `${WHO}process ${process.pid} of ${hostname()} (${command})`];
}

/** Told where a lock is waited for, and for whom. Set by the command line. */
export const waiting: { tell: (line: string) => void } = { tell: () => {} };

/** What a `LOCK` under way has printed. */
export class LockTalk {
  readonly #tried: string;
  readonly #wait: number;
  readonly #taken: () => void;
  #line = '';
  #holders: { pid: number; name: string; isOurs: boolean }[] = [];

  /** @param tried such as `taking the lock /x on y` @param wait milliseconds @param taken called once it is held */
  constructor(tried: string, wait: number, taken: () => void) {
    this.#tried = tried;
    this.#wait = wait;
    this.#taken = taken;
  }

  add(chunk: Uint8Array): void {
    const lines = `${this.#line}${Buffer.from(chunk).toString()}`.split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) {
      const [, pid, command] = /^held (\d+) (.*)$/.exec(line) ?? [];
      if (pid !== undefined) this.#holders.push(holderOf(Number(pid), command ?? ''));
      else if (line === 'waiting') {
        waiting.tell(`${this.#tried}: waiting up to ${this.#wait / 1000} s for ${this.#whom()}`);
        this.#holders = [];
      } else if (line === 'taken') this.#taken();
    }
  }

  /** What to say where the script ended without the lock. */
  refusal(exitCode: number | null, said: string): LabError {
    const tried = this.#tried;
    if (exitCode === BUSY) {
      return new LabError({
        tried,
        happened: `${this.#whom()} has held it for ${(this.#wait / 1000).toFixed(3)} s`,
        next: 'wait for the other command to end, or end it, then run this one again',
      });
    }
    if (exitCode === NO_FLOCK || exitCode === 126 || exitCode === 127) {
      return new MissingError({
        tried,
        happened: 'there is no flock(1), without which two commands at once would undo each other’s work',
        next: 'install the package that brings it (util-linux), or a busybox with flock',
        missing: ['flock'],
      });
    }
    if (exitCode === FORBIDDEN) {
      return new MissingError({
        tried,
        happened: linesOf(said.trim() || 'this user has no rights to it'),
        next: 'run the command as root, or as the user whose folder it is',
        missing: ['rights'],
      });
    }
    return new LabError({ tried, happened: linesOf(`flock ended with ${exitCode}${said && `: ${said}`}`) });
  }

  /** One of ours says itself who it is; of others the eldest, whose children may have inherited the lock. */
  #whom(): string {
    const byAge = [...this.#holders].sort((a, b) => a.pid - b.pid);
    const [eldest] = [...byAge.filter(({ isOurs }) => isOurs), ...byAge];
    return eldest?.name ?? 'another process, which can not be found out';
  }
}

function holderOf(pid: number, command: string): { pid: number; name: string; isOurs: boolean } {
  const at = command.lastIndexOf(WHO);
  return at < 0
    ? { pid, name: `process ${pid} (${command.trim().slice(0, LONGEST)})`, isOurs: false }
    : { pid, name: command.slice(at + WHO.length).trim(), isOurs: true };
}
