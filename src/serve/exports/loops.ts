import { readIfThere } from '../../hosts/host/if-there.js';
import { attachLoop, detachLoop, type LoopDevice, listLoops } from '../storage/loop.js';
import { type StorageSnapshot, sameFile } from '../storage/snapshot.js';
import type { EntryStore, ExportEntry } from './entry.js';
import { exposedPath } from './exposed.js';
import { serviceManager } from './persist/manager.js';
import { loopRecord, loopServiceName } from './persist/names.js';

/**
 * The loop devices attached for an entry: usually one, none after a reboot or before it is made. They are found by what
 * is behind them, so that one on a file that was replaced, removed or renamed is still ours.
 */
export async function ownLoops(
  store: EntryStore,
  entry: ExportEntry,
  all: () => Promise<readonly AttachedLoop[]> = () => listLoops(store.host),
): Promise<string[]> {
  return (await belonging(store, entry, all)).map(({ device }) => device);
}

export type AttachedLoop = Pick<LoopDevice, 'device' | 'file' | 'id'>;

/** The loop devices that a survey has seen, so that not each export asks for them. */
export function loopsIn({ blocks }: Pick<StorageSnapshot, 'blocks'>): AttachedLoop[] {
  return [...blocks.values()].flatMap(({ name, loop }) =>
    loop === undefined ? [] : [{ device: `/dev/${name}`, file: loop.file, id: loop.id }],
  );
}

/** Those of them that are an entry's as far as that alone tells, of a host that can't be asked. */
export function notedLoops(entry: ExportEntry, bootId: string, all: readonly AttachedLoop[]): string[] {
  const own = noted(entry, bootId);
  return entry.backing.loop ? ownAmong(all, own, entry).map(({ device }) => device) : [];
}

/** `/dev/loop0` → `loop0` */
export function kernelNames(devices: readonly string[]): Set<string> {
  return new Set(devices.map((device) => device.replace('/dev/', '')));
}

/** What tells the loop devices of an entry from others. */
interface Own {
  bootId: string | undefined;
  /** Devices that somebody else had on the file before. */
  loopsBefore: string[];
  /** Ours. Undefined: whoever attached it was killed before that was written, or is an earlier version. */
  attached?: string | undefined;
  /** What is behind ours; undefined: the path tells. */
  behind: { dev: string; inode: string } | undefined;
}

function attachedLoops(store: EntryStore, entry: ExportEntry): Promise<LoopDevice[]> {
  return belonging(store, entry, () => listLoops(store.host));
}

/** @param all asked only where the entry can have one */
async function belonging<T extends AttachedLoop>(
  store: EntryStore,
  entry: ExportEntry,
  all: () => Promise<readonly T[]>,
): Promise<T[]> {
  const { backing } = entry;
  if (!backing.loop) return [];
  const { bootId } = await store.host.facts();
  const own = entry.persist ? await recorded(store, entry) : noted(entry, bootId);
  if (own.bootId !== bootId) return [];
  return ownAmong(await all(), own, entry);
}

function ownAmong<T extends AttachedLoop>(all: readonly T[], own: Own, entry: ExportEntry): T[] {
  const isOurs = ({ device }: AttachedLoop): boolean =>
    own.attached === undefined ? !own.loopsBefore.includes(device) : device === own.attached;
  return all.filter((loop) => isBehind(loop, own, entry) && isOurs(loop));
}

function noted({ bootId, backing: { loopsBefore, attached, identity } }: ExportEntry, now: string): Own {
  // Numbers of file systems hold within one boot.
  const isKnown = identity?.kind === 'file' && identity.bootId === now;
  return { bootId, loopsBefore, attached, behind: isKnown ? identity : undefined };
}

function isBehind(
  { id, file }: AttachedLoop,
  { behind }: Pick<Own, 'behind'>,
  { backing }: ExportEntry,
): boolean {
  const { path, name, madeAs } = backing;
  // One that was deleted is known by what it is to the losetup(8) of util-linux alone.
  const called = file.replace(/ \(deleted\)$/, '');
  if (id === undefined || behind === undefined) return called === path || called === name;
  return sameFile(id, behind) || sameFile(id, madeAs);
}

/** Of a persistent export: what the script that attaches it, at a boot too, wrote before it did. */
async function recorded(store: EntryStore, entry: ExportEntry): Promise<Own> {
  const text = (await readIfThere(store.host, loopRecord(store, entry))) ?? Buffer.alloc(0);
  // `BOOT INODE MAJOR:MINOR`, then a line a device, and `own DEVICE` once ours is attached.
  const [first = '', ...lines] = text.toString().split('\n');
  const [bootId, inode, dev] = first.split(' ');
  const attached = lines.find((line) => line.startsWith(OWN))?.slice(OWN.length);
  return { bootId, loopsBefore: lines, attached, behind: inode && dev ? { inode, dev } : undefined };
}

const OWN = 'own ';

/** How the loop device of an entry is attached. */
export function loopOptions({ options }: Pick<ExportEntry, 'options'>): {
  readOnly: boolean;
  directIo: boolean;
} {
  return { readOnly: options.readOnly ?? false, directIo: options.directIo ?? false };
}

/** Attaches the loop device of an entry, which is written, before and after. @returns the entry with it */
export async function attachOwn(store: EntryStore, entry: ExportEntry): Promise<ExportEntry> {
  if (entry.persist) {
    await (await serviceManager(store.host)).start(loopServiceName(store, entry), store);
    return entry;
  }
  const { backing } = entry;
  const attached = await attachLoop(store.host, backing.path, loopOptions(entry), exposedPath(entry));
  const known: ExportEntry = { ...entry, backing: { ...backing, attached } };
  await store.write(known);
  return known;
}

/**
 * Attaches the loop device again where it is gone (a reboot, or somebody detached it) or has another file behind it than
 * the name means now; the entry is written first. A device that its target still has open goes when that closes it.
 * @param before the entry as it was when its loop device was attached
 * @param entry what it is now (see backing-now.ts)
 * @returns the entry as it is then
 */
export async function reattach(
  store: EntryStore,
  before: ExportEntry,
  entry: ExportEntry,
): Promise<ExportEntry> {
  if (!entry.backing.loop) return entry;
  const attached = await attachedLoops(store, before);
  const isGrown = before.backing.size !== entry.backing.size;
  const { identity } = entry.backing;
  const isIt = (loop: LoopDevice): boolean => identity?.kind !== 'file' || sameFile(loop.id, identity);
  if (attached.length > 0 && attached.every(isIt) && !isGrown) return entry;
  if (entry.persist) {
    // Its service may be taken for started.
    await (await serviceManager(store.host)).stop(loopServiceName(store, entry), store);
    await detachOwn(store, attached);
    return attachOwn(store, entry);
  }
  await detachOwn(store, attached);
  const { bootId } = await store.host.facts();
  const others = (await listLoops(store.host)).filter((loop) => isBehind(loop, noted(entry, bootId), entry));
  const { attached: _, ...backing } = entry.backing;
  const renewed: ExportEntry = {
    ...entry,
    bootId,
    backing: { ...backing, loopsBefore: others.map(({ device }) => device) },
  };
  await store.write(renewed);
  return attachOwn(store, renewed);
}

/** Detaches the loop devices of an entry. */
export async function detachLoops(store: EntryStore, entry: ExportEntry): Promise<void> {
  await detachOwn(store, await attachedLoops(store, entry));
}

/**
 * Detaches the loop devices of an entry that ends, and has its services removed.
 * @param retire removes them
 * @returns names of the devices
 */
export async function retireLoops(
  store: EntryStore,
  entry: ExportEntry,
  retire: () => Promise<void>,
): Promise<string[]> {
  const before = await attachedLoops(store, entry);
  await retire();
  // One that was just being started when its command was killed may have attached it without a word.
  const late = entry.phase === 'running' ? [] : await attachedLoops(store, { ...entry, persist: false });
  const all = [...before, ...late.filter((loop) => before.every(({ device }) => device !== loop.device))];
  await detachOwn(store, all);
  return all.map(({ device }) => device);
}

/** Those of them that still have the same file behind them: somebody may have been given the number meanwhile. */
async function detachOwn(store: EntryStore, devices: readonly LoopDevice[]): Promise<void> {
  if (devices.length === 0) return;
  for (const loop of await listLoops(store.host)) {
    const isSame = ({ id, file }: LoopDevice): boolean =>
      id === undefined || loop.id === undefined ? file === loop.file : sameFile(id, loop.id);
    const isOurs = devices.some((one) => one.device === loop.device && isSame(one));
    if (isOurs) await detachLoop(store.host, loop.device);
  }
}
