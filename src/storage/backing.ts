/** Backing files and devices: made, and looked at before they are exported. */
import { posix } from 'node:path';
import { LabError, UsageError } from '../errors.js';
import type { Host } from '../host/host.js';
import { formatSize } from '../units.js';

export const SECTOR = 512;

export interface Backing {
  /** Absolute, symbolic links resolved. */
  path: string;
  kind: 'file' | 'device';
  /** Bytes; of a file that is not there yet, what it will have. */
  size: number;
  /** Whether the file is still to be made. */
  absent: boolean;
}

/**
 * Looks at what is to be exported, changing nothing.
 * @param size bytes a missing file is to get; an existing one must have it
 * @throws UsageError if it is missing and no size was given, has another size, or is neither file nor block device
 */
export async function inspectBacking(host: Host, path: string, size?: number): Promise<Backing> {
  const tried = `looking at ${path} on ${host.name}`;
  const facts = await host.stat(path);
  if (facts === undefined) {
    if (size === undefined) {
      throw new UsageError({
        tried,
        happened: 'there is no such file',
        next: 'give --size (such as --size 256M) to have it made',
      });
    }
    requireSectors(tried, size);
    const folder = posix.dirname(path);
    if ((await host.stat(folder))?.kind !== 'directory') {
      throw new UsageError({
        tried,
        happened: `there is no folder ${folder}`,
        next: 'make the folder first',
      });
    }
    const real = await realPath(host, folder);
    return { path: posix.join(real, posix.basename(path)), kind: 'file', size, absent: true };
  }
  const real = await realPath(host, path);
  if (facts.kind === 'block') {
    const bytes = await deviceSize(host, real);
    if (size !== undefined) {
      throw new UsageError({
        tried,
        happened: 'it is a block device, whose size is given',
        next: 'leave --size out',
      });
    }
    return { path: real, kind: 'device', size: bytes, absent: false };
  }
  if (facts.kind !== 'file') {
    throw new UsageError({
      tried,
      happened: `it is neither a file nor a block device`,
      next: 'name a file or a block device',
    });
  }
  if (size !== undefined && facts.size !== size) {
    throw new UsageError({
      tried,
      happened: `it is there already, with ${formatSize(facts.size)} rather than ${formatSize(size)}`,
      next: 'leave --size out to export it as it is, or name another file',
    });
  }
  requireSectors(tried, facts.size);
  return { path: real, kind: 'file', size: facts.size, absent: false };
}

/** The command that makes a sparse file. */
export function makeCommand(backing: Backing): string[] {
  return ['truncate', '--size', String(backing.size), backing.path];
}

/** Makes a sparse file; never touches one that is there. */
export async function makeBackingFile(host: Host, backing: Backing): Promise<void> {
  if (await host.stat(backing.path)) {
    throw new LabError({
      tried: `making ${backing.path}`,
      happened: 'somebody made a file of that name meanwhile',
      next: 'run the command again',
    });
  }
  await host.run(makeCommand(backing));
}

/** Whether a file holds no data at all: not one block was ever written. */
export async function isUntouched(host: Host, path: string): Promise<boolean> {
  return (await host.stat(path))?.blocks === 0;
}

/**
 * Why a device or file should not be exported for writing: mounted, swapped to, held by another layer, attached by
 * somebody else. Empty if nothing speaks against it.
 */
export async function objections(host: Host, backing: Backing): Promise<string[]> {
  if (backing.absent) return [];
  if (backing.kind === 'file') return fileObjections(host, backing.path);
  const { stdout } = await host.run(['lsblk', '--json', '--output', 'PATH,TYPE,MOUNTPOINTS', backing.path]);
  const { blockdevices } = JSON.parse(stdout) as { blockdevices: BlockDevice[] };
  return blockdevices.flatMap((device) => deviceObjections(device, true));
}

interface BlockDevice {
  path: string;
  type: string;
  mountpoints: (string | null)[];
  children?: BlockDevice[];
}

function deviceObjections(device: BlockDevice, top: boolean): string[] {
  const mounted = device.mountpoints
    .filter((place) => place !== null)
    .map((place) => `${device.path} is ${place === '[SWAP]' ? 'in use as swap' : `mounted on ${place}`}`);
  const held = !top && device.type !== 'part' ? [`${device.path} (${device.type}) lies on it`] : [];
  return [...mounted, ...held, ...(device.children ?? []).flatMap((child) => deviceObjections(child, false))];
}

async function fileObjections(host: Host, path: string): Promise<string[]> {
  const { listLoops } = await import('./loop.js');
  const loops = await listLoops(host, path);
  return loops.map((loop) => `it is attached as ${loop.device}`);
}

/** From sysfs, by lsblk: a device that is in use may refuse to be opened. */
async function deviceSize(host: Host, device: string): Promise<number> {
  const { stdout } = await host.run([
    'lsblk',
    '--bytes',
    '--nodeps',
    '--noheadings',
    '--output',
    'SIZE',
    device,
  ]);
  return Number(stdout.trim());
}

function requireSectors(tried: string, size: number): void {
  if (size >= SECTOR && size % SECTOR === 0) return;
  throw new UsageError({
    tried,
    happened: `${size} bytes are not a whole number of ${SECTOR}-byte sectors`,
    next: `take a multiple of ${SECTOR}`,
  });
}

async function realPath(host: Host, path: string): Promise<string> {
  const { stdout } = await host.run(['realpath', '--', path]);
  return stdout.trimEnd();
}
