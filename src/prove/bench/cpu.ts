import { readFile } from 'node:fs/promises';
import type { Host } from '../../hosts/host/host.js';

/** USER_HZ: the unit of /proc/PID/stat on all the architectures that Node runs on. */
const TICKS = 100;

/**
 * CPU time of a process in seconds, user and system, all its threads, those that have ended included (proc(5): fields
 * 14 and 15 of /proc/PID/stat, in ticks of 10 ms).
 * @throws RangeError if the text is none
 */
export function parseCpuTime(stat: string): number {
  // The name in the second field may hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  if (!stat.includes(')') || !Number.isInteger(user) || !Number.isInteger(system)) {
    throw new RangeError(`this is no /proc/PID/stat: ${stat.slice(0, 80)}`);
  }
  return (user + system) / TICKS;
}

/** The same on a host over SSH. @throws CommandError if one is gone */
export async function cpuTimeOn(host: Host, pids: readonly number[]): Promise<number> {
  if (pids.length === 0) return 0;
  const { stdout } = await host.run(['cat', ...pids.map((pid) => `/proc/${pid}/stat`)]);
  return stdout
    .trimEnd()
    .split('\n')
    .reduce((sum, line) => sum + parseCpuTime(line), 0);
}

/** CPU time in seconds of several processes. @throws an error with `code` ENOENT if one is gone */
export async function cpuTime(pids: readonly number[], proc = '/proc'): Promise<number> {
  const times = await Promise.all(
    pids.map(async (pid) => parseCpuTime(await readFile(`${proc}/${pid}/stat`, 'utf8'))),
  );
  return times.reduce((sum, time) => sum + time, 0);
}
