/**
 * Guests of this machine: a folder each, `vm/NAME` of the state folder, written before QEMU starts. QEMU itself leaves its
 * process id there. Guests whose command is gone, unless they were to stay, are ended by the next command. Names are
 * given and taken away under a lock, since several commands may do so at once.
 */

import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError, UsageError } from '../../base/errors.js';
import { startOf } from '../../base/owner.js';
import { pollUntilTrue } from '../../base/poll.js';
import { readIfThere } from '../../hosts/host/if-there.js';
import { here } from '../../hosts/host/local.js';
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
export const settingsPath = ({ sockets }: Pick<GuestRecord, 'sockets'>): string => join(sockets, 'settings');

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
  const names = await here.list(parent);
  const records = await Promise.all(names.map((name) => recorded(join(parent, name))));
  return records.filter((record) => record !== undefined);
}

async function recorded(folder: string): Promise<GuestRecord | undefined> {
  const text = (await readIfThere(here, recordPath(folder)))?.toString();
  return text === undefined ? undefined : (JSON.parse(text) as GuestRecord);
}

/** Milliseconds; QEMU takes 6 s to end at worst. */
const LOCK_PATIENCE = 30_000;

async function exclusively<T>(change: () => Promise<T>): Promise<T> {
  const folder = await guestsFolder();
  await mkdir(folder, { recursive: true });
  const lock = await here.lock(folder, LOCK_PATIENCE);
  try {
    return await change();
  } finally {
    await lock.release();
  }
}

/**
 * Gives a guest that is to be started its name and its folder.
 * @throws UsageError if another has the name, or is being started by it
 */
export function claimGuest(record: GuestRecord): Promise<void> {
  const { name, folder } = record;
  return exclusively(async () => {
    const other = await recorded(folder);
    const runs = other !== undefined && (await pidOf(other)) !== undefined;
    if (other !== undefined && (runs || (await isOwned(other)))) {
      throw new UsageError({
        tried: `starting a guest called ${name}`,
        happened: runs
          ? 'there is one of that name already'
          : `one of that name is being started by process ${other.owner.pid}`,
        next: `take another name, or end that one: aoe-lab vm down ${name}`,
      });
    }
    await remove(other ?? record);
    await mkdir(folder, { mode: 0o700 });
    await here.write(recordPath(folder), JSON.stringify(record, undefined, 2));
  });
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

/** Empty if there is no such file; a guest that can't be looked at has not ended. */
async function textOf(path: string): Promise<string> {
  return (await readIfThere(here, path))?.toString() ?? '';
}

/** The process id of a guest's QEMU, if it runs. */
export async function pidOf({ folder }: Pick<GuestRecord, 'folder'>): Promise<number | undefined> {
  const pid = Number(await textOf(pidPath(folder)));
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  // Its own command line names the file: a process that came later with the same id does not.
  const line = await textOf(`/proc/${pid}/cmdline`);
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

/**
 * Ends a guest and removes all that is its.
 * @throws LabError if QEMU does not end, or another process is just starting it
 */
export function removeGuest(record: GuestRecord): Promise<void> {
  return exclusively(async () => {
    const { name, owner } = record;
    if (owner.pid !== process.pid && (await pidOf(record)) === undefined && (await isOwned(record))) {
      throw new LabError({
        tried: `ending the guest ${name}`,
        happened: `process ${owner.pid} is just starting it`,
        next: `run the command again when it has come up, or end that process: kill ${owner.pid}`,
      });
    }
    await remove(record);
  });
}

/** Under the lock. */
async function remove(record: GuestRecord): Promise<void> {
  const current = await recorded(record.folder);
  // Another guest has its name and its folder by now, if the sockets are not the same.
  if (current === undefined || current.sockets === record.sockets) {
    await endQemu(record);
    await here.remove(record.sockets);
    await here.remove(record.folder);
  } else {
    await here.remove(record.sockets);
  }
}

async function endQemu(record: GuestRecord): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const pid = await pidOf(record);
    if (pid === undefined) break;
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended by itself.
    }
    await pollUntilTrue(async () => (await pidOf(record)) === undefined, { every: 30, patience: 3000 });
  }
  if ((await pidOf(record)) !== undefined) {
    throw new LabError({
      tried: `ending the guest ${record.name}`,
      happened: 'its QEMU is still there 3 s after KILL',
    });
  }
}

/** Ends guests whose commands were killed. @returns their names */
export async function collectDeadGuests(): Promise<string[]> {
  const parent = await guestsFolder();
  if ((await here.list(parent)).length === 0) return [];
  return exclusively(async () => {
    const swept: string[] = [];
    for (const name of await here.list(parent)) {
      const record = await recorded(join(parent, name));
      // Its maker was killed before it was written, or its remover after it was gone.
      if (record === undefined) await here.remove(join(parent, name));
      if (record === undefined || record.stays || (await isOwned(record))) continue;
      await remove(record);
      swept.push(name);
    }
    return swept;
  });
}
