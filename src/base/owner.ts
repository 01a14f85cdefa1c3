/**
 * Temporary things carry their owner in their name, `PID-STARTED-PIDNS`, so that what a killed process left is told from what one
 * that runs has: a process id alone becomes another's, and means another process in another PID namespace (pid_namespaces(7)).
 */
import { readFile, readlink } from 'node:fs/promises';
import { startTicks } from './process-start.js';

/** `alive`: it runs. `gone`: it does not any more. `elsewhere`: it belongs to another PID namespace, where nobody can look. */
export type OwnerState = 'alive' | 'gone' | 'elsewhere';

const MARK = /^(\d+)-(\d*)-(\d+)(?!\d)/;

/** Of this process. */
export async function ownMark(): Promise<string> {
  return [process.pid, await startOf(process.pid), await pidNamespace()].join('-');
}

/** @param name begins with a mark. @returns undefined where it does not */
export async function ownerOf(name: string): Promise<OwnerState | undefined> {
  const [, pid, started, namespace] = MARK.exec(name) ?? [];
  if (pid === undefined) return undefined;
  if (namespace !== (await pidNamespace())) return 'elsewhere';
  const now = await startOf(Number(pid));
  return now !== '' && now === started ? 'alive' : 'gone';
}

/** As of `startTicks`; empty where there is no such process. */
export async function startOf(pid: number): Promise<string> {
  return startTicks(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''));
}

async function pidNamespace(): Promise<string> {
  const link = await readlink('/proc/self/ns/pid').catch(() => '');
  return link.replace(/\D/g, '') || '0';
}
