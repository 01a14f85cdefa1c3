/** Which processes of a daemon take the signal that has it read its configuration again. */

import { constants } from 'node:os';
import { pollUntil } from '../../base/poll.js';
import type { Host } from '../../hosts/host/host.js';

const POLL = 20;
/** Milliseconds; node takes more than 5 s to start on a slow or a busy host. */
const PATIENCE = 20_000;

/** Of each process: its id, and the mask of signals that it catches, a hexadecimal number (proc(5)). */
const MASKS = `for pid do
  caught=
  { while read -r key value; do
      case $key in SigCgt:) caught=$value; break ;; esac
    done < "/proc/$pid/status"; } 2>/dev/null
  echo "$pid $caught"
done`;

/**
 * Waits until a daemon handles a signal, and tells which of its processes do: a signal ends a process that has just been
 * started and has no handler yet, and a shell that supervises a daemon has none at all.
 * @param find finds the daemon's processes; looked at again and again, since a supervisor may start another one
 * @returns none if the daemon has no process; undefined if none of them handles it after 20 s, as where a supervisor starts
 * one again and again that has nothing to serve
 */
export async function handlersOf(
  host: Host,
  find: () => Promise<number[]>,
  signal: string,
  patience = PATIENCE,
): Promise<number[] | undefined> {
  const look = async (): Promise<number[] | undefined> => {
    const pids = await find();
    if (pids.length === 0) return [];
    const { stdout } = await host.run(['sh', '-c', MASKS, 'sh', ...pids.map(String)]);
    const handlers = catching(stdout, signal);
    return handlers.length > 0 ? handlers : undefined;
  };
  return pollUntil(look, { every: POLL, patience });
}

/** @param table lines of a process id and the hexadecimal mask of what it catches; pure */
export function catching(table: string, signal: string): number[] {
  const number = constants.signals[`SIG${signal}` as NodeJS.Signals];
  return table.split('\n').flatMap((line) => {
    const [, pid, mask] = /^(\d+) ([0-9a-f]+)$/.exec(line) ?? [];
    if (pid === undefined || mask === undefined) return [];
    return (BigInt(`0x${mask}`) >> BigInt(number - 1)) & 1n ? [Number(pid)] : [];
  });
}
