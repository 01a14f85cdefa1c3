/**
 * Guests of this machine: a folder each, `vm/NAME` of the state folder, written before QEMU starts. QEMU itself leaves its
 * process id there. Guests whose command is gone, unless they were to stay, are ended by the next command.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError, UsageError } from '../errors.js';
import { here } from '../host/local.js';
import type { Accelerator } from './qemu.js';

export interface GuestRecord {
  name: string;
  folder: string;
  /** Sockets lie apart: their paths may not be long. */
  sockets: string;
  /** Whether it stays when the command that started it ends. */
  stays: boolean;
  /** Of that command: process id and start time in ticks. */
  owner: { pid: number; started: string };
  kernel: string;
  release?: string | undefined;
  accelerator: Accelerator;
  memory: number;
  links: { name: string; socket: string; mac: string; mtu: number }[];
  /** The guest's public key in SSH's wire format, base64. */
  hostKey: string;
  /** ISO 8601. */
  begun: string;
}

export async function guestsFolder(): Promise<string> {
  return join(await here.stateFolder(), 'vm');
}

export const recordPath = (folder: string): string => join(folder, 'guest.json');
export const pidPath = (folder: string): string => join(folder, 'pid');
export const keyPath = (folder: string): string => join(folder, 'key');
export const serialPath = (folder: string): string => join(folder, 'serial.log');
export const monitorPath = ({ sockets }: Pick<GuestRecord, 'sockets'>): string => join(sockets, 'qmp');

/** A name of one's own for a guest that nobody will call by it. */
export function madeUpName(): string {
  return `guest-${randomBytes(4).toString('hex')}`;
}

/** @throws UsageError if it is no name of a host */
export function checkName(name: string): void {
  if (/^[a-z0-9][a-z0-9-]{0,40}$/.test(name)) return;
  throw new UsageError({
    tried: `naming a guest ${name}`,
    happened: 'a name is made of small letters, digits and dashes',
    next: 'take one such as target1',
  });
}

/** All guests that are recorded, by name. */
export async function listGuests(): Promise<GuestRecord[]> {
  const parent = await guestsFolder();
  const records: GuestRecord[] = [];
  for (const name of await here.list(parent)) {
    const text = await readFile(recordPath(join(parent, name)), 'utf8').catch(() => undefined);
    if (text !== undefined) records.push(JSON.parse(text) as GuestRecord);
  }
  return records;
}

/** @throws UsageError if there is none of that name */
export async function findGuest(name: string): Promise<GuestRecord> {
  const all = await listGuests();
  const found = all.find((record) => record.name === name);
  if (found !== undefined) return found;
  throw new UsageError({
    tried: `looking for the guest ${name}`,
    happened: 'there is none of that name',
    next:
      all.length > 0 ? `take one of ${all.map((one) => one.name).join(', ')}` : 'start one: aoe-lab vm up',
  });
}

/** The process id of a guest's QEMU, if it runs. */
export async function pidOf({ folder }: Pick<GuestRecord, 'folder'>): Promise<number | undefined> {
  const pid = Number((await readFile(pidPath(folder), 'utf8').catch(() => '')).trim());
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  // Its own command line names the file: a process that came later with the same id does not.
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return line.split('\0').includes(pidPath(folder)) ? pid : undefined;
}

export async function ownIdentity(): Promise<GuestRecord['owner']> {
  return { pid: process.pid, started: await startOf(process.pid) };
}

/** Whether the command that started a guest still runs. */
async function isOwned({ owner }: GuestRecord): Promise<boolean> {
  const started = await startOf(owner.pid);
  return started !== '' && started === owner.started;
}

/** In ticks since boot (proc(5), field 22); empty where there is no such process. */
async function startOf(pid: number): Promise<string> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return status.slice(status.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** Ends a guest and removes all that is its. @throws LabError if QEMU does not end */
export async function removeGuest(record: Pick<GuestRecord, 'name' | 'folder' | 'sockets'>): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const pid = await pidOf(record);
    if (pid === undefined) break;
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended by itself.
    }
    for (let tries = 0; tries < 100 && (await pidOf(record)) !== undefined; tries++) await sleep(30);
  }
  if ((await pidOf(record)) !== undefined) {
    throw new LabError({
      tried: `ending the guest ${record.name}`,
      happened: 'its QEMU is still there 3 s after KILL',
    });
  }
  await here.remove(record.sockets);
  await here.remove(record.folder);
}

/** Ends guests whose commands were killed. @returns their names */
export async function sweepGuests(): Promise<string[]> {
  const swept: string[] = [];
  for (const record of await listGuests()) {
    if (record.stays || (await isOwned(record))) continue;
    await removeGuest(record);
    swept.push(record.name);
  }
  return swept;
}
