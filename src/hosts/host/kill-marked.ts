/** Ends a command of this machine with all that it started. */
import { readdirSync, readFileSync, statSync } from 'node:fs';

/** In the environment of each command, with a number of its own: what it started is found by it too. */
export const COMMAND_MARK = 'AOE_LAB_COMMAND';

/**
 * Ends a command's process at once, then what it started, wherever that hangs in the tree of processes by now: one that stayed
 * would hold what the command's output is read from. Processes of other users are not looked into: they can hold up
 * whoever reads their memory (userfaultfd(2)).
 * @param mark value of `COMMAND_MARK` in its environment
 */
export function killMarked(pid: number, mark: string): void {
  kill(pid);
  // Each turn may find what was just being started in the one before.
  for (let found = bearing(mark), turn = 0; found.length > 0 && turn < 10; found = bearing(mark), turn += 1) {
    for (const one of found) kill(one);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function bearing(mark: string): number[] {
  const word = `${COMMAND_MARK}=${mark}`;
  return processes().filter((pid) => environment(pid).includes(word));
}

/** None where there is no /proc. */
function processes(): number[] {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  } catch {
    return [];
  }
}

/** Nothing of one that has ended, or is another user's. */
function environment(pid: number): string[] {
  try {
    if (statSync(`/proc/${pid}`).uid !== process.getuid?.()) return [];
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return [];
  }
}
