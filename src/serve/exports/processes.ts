/**
 * Processes are known in two ways. Each is started with `AOE_LAB_RUN=PATH` in its environment, PATH being that of the entry
 * or daemon it belongs to: that mark survives forks, can't be confused by reused process ids, and is there from the first
 * moment. It counts for processes of this user and root's alone: anybody can set it. And each writes itself down before it becomes the target (see run-record.ts), for where its environment can't be read.
 */

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError, linesOf, MissingError } from '../../base/errors.js';
import { pollUntilTrue } from '../../base/poll.js';
import { BEARING } from '../../hosts/host/bearing.js';
import type { Host } from '../../hosts/host/host.js';
import { KNOW_PROCESSES } from './run-record.js';

export const RUN_MARK = 'AOE_LAB_RUN';

const POLL = 20;
const PATIENCE = 5000;

/** State folder: those of its records whose process lives, as grep(1) prints the marks. */
const RECORDED = `${KNOW_PROCESSES}
find_boot
if [ -d "$1/logs" ] && ! { [ -r "$1/logs" ] && [ -x "$1/logs" ]; }; then echo "$1/logs: Permission denied" >&2; exit 1; fi
for record in "$1/logs/"*.run; do
  [ -e "$record" ] || continue
  [ -r "$record" ] || { echo "$record: Permission denied" >&2; exit 1; }
  { read -r pid start then; IFS= read -r mark; } < "$record" || continue
  find_start "$pid"
  [ "$then $start" = "$boot $begun" ] && living "$pid" || continue
  printf '/proc/%s/environ:${RUN_MARK}=%s\\0' "$pid" "$mark"
done`;

/**
 * Environments of this user's and root's processes that bear a mark, and their namespaces. The real user counts, whom a program
 * of root's that somebody else started (setuid) keeps. Root reads none of others' (a process can hold up whoever reads its
 * memory, by userfaultfd(2)), anybody else can read his own alone, as the shell itself can tell.
 */
const OURS = `${BEARING}
user=$(id -u) environs=
if [ "$user" = 0 ]; then
  for f in $(grep -lsE '^Uid:[[:space:]]*0[[:space:]]' /proc/[0-9]*/status); do environs="$environs \${f%status}environ"; done
else
  for f in /proc/[0-9]*/environ; do [ ! -O "$f" ] || environs="$environs $f"; done
fi
statuses= ours= spaces=
for f in $(bearing '${RUN_MARK}=' $environs /dev/null); do statuses="$statuses \${f%environ}status"; done
for f in $(grep -lsE "^Uid:[[:space:]]*($user|0)[[:space:]]" $statuses /dev/null); do
  ours="$ours \${f%status}environ" spaces="$spaces \${f%status}ns/pid"
done`;

/** Ways to print the marks of all of them that can be read: grep(1) that ends lines by NUL, and any other: busybox's reads up to a NUL. */
const MARKED = [
  `grep -HszoE '^${RUN_MARK}=.*' $ours /dev/null; :`,
  `for f in $ours; do
  mark=$(tr '\\0' '\\n' 2>/dev/null < "$f" | sed -n 's/^${RUN_MARK}=//p')
  [ -z "$mark" ] || printf '%s:${RUN_MARK}=%s\\0' "$f" "$mark"
done; :`,
];

/**
 * Namespaces of processes: those of a container have its root and its state folder, and are nobody's here although their mark
 * is called the same.
 */
const NAMESPACES = `
printf '\\0@namespaces\\n'
ls -ld /proc/self/ns/pid $spaces 2>/dev/null; :`;

/** Scripts that look for the processes of one state folder (`$1`), to be run with a mark of their own until one finds that. */
export const SCANS = MARKED.map((marked) => `${OURS}\n${RECORDED}\n${marked}${NAMESPACES}`);

interface Scan {
  /** Marks of processes started from one state folder: PATH → process ids. */
  found: Map<string, number[]>;
  /** Why environments could not be looked at; then only what was written down is found. */
  trouble?: MissingError;
}

/**
 * The scan's own shell bears a mark: an answer without it is no answer, whatever exit codes say (those of grep tell of
 * processes that ended meanwhile as well).
 */
async function scan(host: Host, stateFolder: string): Promise<Scan> {
  const own = `scan ${randomBytes(8).toString('hex')}`;
  let found = new Map<string, number[]>();
  let said = '';
  for (const script of SCANS) {
    const env = { [RUN_MARK]: own };
    const { stdout, stderr } = await host.run(['sh', '-c', script, 'sh', stateFolder], { env });
    said = stderr.trim();
    const hits = parseScan(stdout, own, stateFolder);
    if (hits.isWhole) return { found: hits.found };
    // What was written down is found by each.
    found = hits.found;
  }
  return {
    found,
    trouble: new MissingError({
      tried: `looking for processes of exports on ${host.name}`,
      happened: linesOf(`they can not be looked for there${said === '' ? '' : `: ${said}`}`),
      next: 'it needs /proc, and grep(1) with the options -l, -s and -F: aoe-lab host check names what is missing',
      missing: ['grep'],
    }),
  };
}

/** What one of `SCANS` printed. @param own the mark that it bore itself: without that it is no answer */
export function parseScan(
  text: string,
  own: string,
  stateFolder: string,
): { found: Map<string, number[]>; isWhole: boolean } {
  const found = new Map<string, number[]>();
  let isWhole = false;
  const [marks = '', namespaces = ''] = text.split('\0@namespaces\n');
  const strangers = inOtherNamespaces(namespaces);
  for (const hit of marks.split(/[\0\n](?=\/proc\/\d+\/environ:AOE_LAB_RUN=|$)/)) {
    const match = /^\/proc\/(\d+)\/environ:AOE_LAB_RUN=(.*)$/s.exec(hit);
    const path = match?.[2];
    if (path === own) isWhole = true;
    if (path === undefined || !path.startsWith(`${stateFolder}/`)) continue;
    if (strangers.has(Number(match?.[1]))) continue;
    const pids = new Set([...(found.get(path) ?? []), Number(match?.[1])]);
    found.set(
      path,
      [...pids].sort((a, b) => a - b),
    );
  }
  return { found, isWhole };
}

/** @param text with lines of ls(1) such as `… /proc/12/ns/pid -> pid:[4026531836]` */
function inOtherNamespaces(text: string): Set<number> {
  const lines = [...text.matchAll(/ \/proc\/(self|\d+)\/ns\/pid -> (pid:\[\d+\])$/gm)];
  const own = lines.find(([, pid]) => pid === 'self')?.[2];
  const others = lines.filter(([, , namespace]) => own !== undefined && namespace !== own);
  return new Set(others.map(([, pid]) => Number(pid)));
}

/**
 * Marks of all processes started from one state folder: PATH → process ids.
 * @throws MissingError if they can't be looked for: none that is found is not the same
 */
export async function findProcesses(host: Host, stateFolder: string): Promise<Map<string, number[]>> {
  const { found, trouble } = await scan(host, stateFolder);
  if (trouble !== undefined) throw trouble;
  return found;
}

/**
 * Functions of the shell for processes whose numbers were looked up before: one may have ended meanwhile, and its number be a
 * stranger's. `know FOLDER PID…` keeps those that are of that state folder, by mark or record, with their start times;
 * `still_there` asks by builtins alone, and so right before a signal, which of them are the same yet.
 */
const KNOWN = `${KNOW_PROCESSES}
is_ours() (
  # busybox's grep(1) ends at the first zero byte.
  tr '\\0' '\\n' 2>/dev/null < "/proc/$1/environ" | grep -qsF "${RUN_MARK}=$2/" && exit 0
  find_boot
  for record in "$2/logs/"*.run; do
    { read -r pid start then; } 2>/dev/null < "$record" || continue
    [ "$pid $then $start" = "$1 $boot $begun" ] && exit 0
  done
  exit 1
)
know() {
  folder=$1; shift; known=
  for one; do
    find_start "$one"
    if [ -n "$begun" ] && is_ours "$one" "$folder"; then known="$known $one:$begun"; fi
  done
}
still_there() {
  still=
  for one in $known; do
    find_start "\${one%%:*}"
    if [ "$begun" = "\${one#*:}" ]; then still="$still \${one%%:*}"; fi
  done
}`;

/**
 * A function of the shell: `$1` is the signal, for processes that `know` found. A process is gone when no thread of it can come back from a write it had begun:
 * it waits to be reaped, and has no other threads (zombies keep their folders in /proc, and so does a first thread that
 * ended before the others). sleep(1) may know no fractions.
 */
export const END_PROCESSES = `${KNOWN}
end_processes() {
  still_there
  if [ -z "$still" ]; then return 0; fi
  kill "-$1" $still 2>/dev/null
  turns=0; killed=
  for one in $known; do
    while find_start "\${one%%:*}"; [ "$begun" = "\${one#*:}" ] && living "\${one%%:*}"; do
      turns=$((turns + 1))
      if [ $turns -ge 500 ] && [ -z "$killed" ]; then
        killed=1; (still_there; kill -KILL $still 2>/dev/null)
      fi
      if [ $turns -gt 1000 ]; then return 1; fi
      sleep 0.01 2>/dev/null || { sleep 1; turns=$((turns + 99)); }
    done
  done
}`;

/**
 * Ends processes of a state folder that are known, in one step and with little delay; by KILL after 5 s.
 * @throws CommandError if even that does not end them
 */
export async function endProcesses(
  host: Host,
  stateFolder: string,
  pids: readonly number[],
  signal: string,
): Promise<void> {
  if (pids.length === 0) return;
  const script = `${END_PROCESSES}\nsignal=$1; shift; know "$@"; end_processes "$signal"`;
  await host.run(['sh', '-c', script, 'sh', signal, stateFolder, ...pids.map(String)]);
}

/** The processes with one mark. */
export async function processesOf(host: Host, stateFolder: string, mark: string): Promise<number[]> {
  return (await findProcesses(host, stateFolder)).get(mark) ?? [];
}

/** Those of some processes that have ended, those that only wait to be reaped included. */
export async function endedAmong(host: Host, pids: readonly number[]): Promise<number[]> {
  if (pids.length === 0) return [];
  if (!host.isHere) {
    const script = `${KNOW_PROCESSES}\nfor p; do living "$p" || echo "$p"; done`;
    const { stdout } = await host.run(['sh', '-c', script, 'sh', ...pids.map(String)]);
    return stdout.split('\n').filter(Boolean).map(Number);
  }
  const states = await Promise.all(
    // Behind the name in parentheses: the state; Z and X have ended.
    pids.map((pid) =>
      readFile(`/proc/${pid}/stat`, 'latin1').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ESRCH') return ') Z ';
        throw error;
      }),
    ),
  );
  return pids.filter((_, index) => /\) [ZX] /.test(states[index] as string));
}

/** @throws MissingError if this user may not; one that has ended already is none */
export async function signalProcesses(
  host: Host,
  stateFolder: string,
  pids: readonly number[],
  signal: string,
): Promise<void> {
  if (pids.length === 0) return;
  // 1: one of them had ended already, or may not be told.
  const { exitCode, stderr } = await host.run(signalCommand(stateFolder, pids, signal), { accept: [1] });
  if (exitCode === 0 || !/not permitted/i.test(stderr)) return;
  throw new MissingError({
    tried: `sending SIG${signal} to the processes ${pids.join(', ')} on ${host.name}`,
    happened: 'this user may not: somebody else runs them',
    next: 'run the command as the user who started them, or as root',
    missing: ['rights'],
  });
}

const SIGNAL = `${KNOWN}
signal=$1; shift; know "$@"; still_there
[ -z "$still" ] || kill "-$signal" $still`;

/**
 * Signals those of the processes that are of this state folder yet. kill(1) belongs to a package that small systems lack; every
 * shell has it built in.
 */
export function signalCommand(stateFolder: string, pids: readonly number[], signal: string): string[] {
  return ['sh', '-c', SIGNAL, 'sh', signal, stateFolder, ...pids.map(String)];
}

/**
 * Ends all processes with a mark: asks by `signal`, after 5 s by KILL.
 * @throws LabError if even that does not end them
 * @throws MissingError if processes can't be looked for; those that were written down have been ended
 */
export async function stopProcesses(
  host: Host,
  stateFolder: string,
  mark: string,
  signal: string,
): Promise<void> {
  for (const attempt of [signal, 'KILL']) {
    let { found, trouble } = await scan(host, stateFolder);
    const left = (): number[] => found.get(mark) ?? [];
    await signalProcesses(host, stateFolder, left(), attempt);
    const isEnded = async (): Promise<boolean> => {
      if (left().length > 0) ({ found, trouble } = await scan(host, stateFolder));
      return left().length === 0;
    };
    // It takes a moment, and a look at all processes is dear.
    if (left().length > 0) await sleep(POLL);
    if (await pollUntilTrue(isEnded, { every: POLL, patience: PATIENCE })) {
      if (trouble !== undefined) throw trouble;
      return;
    }
  }
  throw new LabError({
    tried: `ending the process of ${mark}`,
    happened: 'it is still there 5 s after KILL (waiting for a disk?)',
    next: 'look at `dmesg`, then run the command again',
  });
}
