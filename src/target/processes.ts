/**
 * Processes are found, not recorded: each is started with `AOE_LAB_RUN=PATH` in its environment, PATH being that of the
 * entry or daemon it belongs to. That mark survives forks, can't be confused by reused process ids, and is there from the
 * first moment, so a command killed right after starting a process leaves one that is found.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError } from '../errors.js';
import type { Host } from '../host/host.js';

export const RUN_MARK = 'AOE_LAB_RUN';

const POLL = 20;
const PATIENCE = 5000;

/** Marks of all processes started from one state folder: PATH → process ids. */
export async function findProcesses(host: Host, stateFolder: string): Promise<Map<string, number[]>> {
  const { stdout } = await host.run(
    [
      'find',
      '/proc',
      '-maxdepth',
      '2',
      '-path',
      '/proc/[0-9]*/environ',
      '-readable',
      '-exec',
      'grep',
      '-HszoE',
      `^${RUN_MARK}=.*`,
      '{}',
      '+',
    ],
    // 1: grep found nothing, or a process ended while it looked.
    { accept: [1] },
  );
  const found = new Map<string, number[]>();
  for (const hit of stdout.split('\0')) {
    const match = /^\/proc\/(\d+)\/environ:AOE_LAB_RUN=(.*)$/s.exec(hit);
    const path = match?.[2];
    if (path === undefined || !path.startsWith(`${stateFolder}/`)) continue;
    found.set(path, [...(found.get(path) ?? []), Number(match?.[1])]);
  }
  return found;
}

/**
 * A function of the shell: `$1` is the signal, the rest are processes. A process is gone when no thread of it can come back from a write it had begun:
 * it waits to be reaped, and has no other threads (zombies keep their folders in /proc, and so does a first thread that
 * ended before the others).
 */
export const END_PROCESSES = `living() {
  state=
  { while read -r key value rest; do
      if [ "$key" = State: ]; then state=$value; break; fi
    done < "/proc/$1/status"; } 2>/dev/null
  case $state in ''|Z|X) ;; *) return 0;; esac
  set -- "/proc/$1/task/"*
  [ $# -gt 1 ]
}
end_processes() {
  signal=$1; shift
  kill "-$signal" "$@" 2>/dev/null
  turns=0
  for pid; do
    while living "$pid"; do
      turns=$((turns + 1))
      if [ $turns -eq 500 ]; then kill -KILL "$@" 2>/dev/null; fi
      if [ $turns -gt 1000 ]; then return 1; fi
      sleep 0.01
    done
  done
}`;

/**
 * Ends processes that are known, in one step and with little delay; by KILL after 5 s.
 * @throws CommandError if even that does not end them
 */
export async function endProcesses(host: Host, pids: readonly number[], signal: string): Promise<void> {
  if (pids.length === 0) return;
  await host.run(['sh', '-c', `${END_PROCESSES}\nend_processes "$@"`, 'sh', signal, ...pids.map(String)]);
}

/** The processes with one mark. */
export async function processesOf(host: Host, stateFolder: string, mark: string): Promise<number[]> {
  return (await findProcesses(host, stateFolder)).get(mark) ?? [];
}

/** Those of some processes that have ended, those that only wait to be reaped included. */
export async function endedAmong(host: Host, pids: readonly number[]): Promise<number[]> {
  if (pids.length === 0) return [];
  if (!host.isHere) {
    const script = `for p; do case $(grep -s '^State:' "/proc/$p/status") in ''|State:?[ZX]*) echo "$p" ;; esac; done`;
    const { stdout } = await host.run(['sh', '-c', script, 'sh', ...pids.map(String)]);
    return stdout.split('\n').filter(Boolean).map(Number);
  }
  const states = await Promise.all(
    // Behind the name in parentheses: the state; Z and X have ended.
    pids.map((pid) => readFile(`/proc/${pid}/stat`, 'latin1').catch(() => ') Z ')),
  );
  return pids.filter((_, index) => /\) [ZX] /.test(states[index] as string));
}

export async function signalProcesses(host: Host, pids: readonly number[], signal: string): Promise<void> {
  // 1: it had ended already.
  if (pids.length > 0) await host.run(signalCommand(pids, signal), { accept: [1] });
}

/** kill(1) belongs to a package that small systems lack; every shell has it built in. */
export function signalCommand(pids: readonly number[], signal: string): string[] {
  return ['sh', '-c', 'kill "$@"', 'sh', `-${signal}`, ...pids.map(String)];
}

/**
 * Ends all processes with a mark: asks by `signal`, after 5 s by KILL.
 * @throws LabError if even that does not end them
 */
export async function stopProcesses(
  host: Host,
  stateFolder: string,
  mark: string,
  signal: string,
): Promise<void> {
  for (const attempt of [signal, 'KILL']) {
    let pids = await processesOf(host, stateFolder, mark);
    await signalProcesses(host, pids, attempt);
    const deadline = Date.now() + PATIENCE;
    while (pids.length > 0 && Date.now() < deadline) {
      await sleep(POLL);
      pids = await processesOf(host, stateFolder, mark);
    }
    if (pids.length === 0) return;
  }
  throw new LabError({
    tried: `ending the process of ${mark}`,
    happened: 'it is still there 5 s after KILL (waiting for a disk?)',
    next: 'look at `dmesg`, then run the command again',
  });
}
