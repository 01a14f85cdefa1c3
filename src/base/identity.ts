/** What a file or disk is, whatever it is called: shared by those who ask a host and by the target that serves it. No I/O. */

/**
 * Where sysfs has what tells a block device from others, below its folder: the names that a disk bears itself, or that its
 * maker gave it (Documentation/ABI, block and dm).
 */
export const TELLING = [
  'dm/uuid',
  'dm/name',
  'md/uuid',
  'wwid',
  'device/wwid',
  'serial',
  'device/serial',
  'uuid',
] as const;

/** Of a file, its inode and the moment it was made; of a device, what tells it and the file behind it. */
export type Telling =
  | { kind: 'file'; inode: string; birth: number | null }
  | {
      kind: 'device';
      /** The kernel's name. */
      block: string;
      /** By name of TELLING; `../` before those of a partition's disk, and `start`. */
      facts: Readonly<Record<string, string>>;
      /** Of a loop device, or a partition on one. */
      file?: { path: string; inode: string | null };
    };

type Facts = Readonly<Record<string, string>>;

/** Names of what both tell. A volume that has a UUID may be renamed. */
export function sharedFacts(before: Facts, now: Facts): string[] {
  const shared = Object.keys(before).filter((name) => now[name] !== undefined);
  const both = Object.fromEntries(shared.map((name) => [name, '']));
  return shared.filter((name) => !isOnlyName(name, both));
}

/** Whether what two disks tell shows that they are not one: what only one of them tells is not held against it. */
export function areOfOthers(before: Facts, now: Facts): boolean {
  return sharedFacts(before, now).some((name) => before[name] !== now[name]);
}

/** Whether a fact is what a volume is called that has a UUID as well. */
export function isOnlyName(name: string, facts: Facts): boolean {
  return name.endsWith('dm/name') && facts[name.replace(/name$/, 'uuid')] !== undefined;
}

/** The disk that an export was made for, as a target is told: what it must be where it can tell. */
export interface ExpectedDisk {
  facts: Facts;
  /** Of a loop device. */
  file?: { path: string; inode: string | null };
}

/** A file as it was. */
export interface ExpectedFile {
  inode: string;
  birth: number | null;
}

/** Whether something can be a file, or a loop device on it, that was told of before. */
export function isFile({ inode, birth }: ExpectedFile, now: Telling): boolean {
  if (now.kind === 'device') return (now.file?.inode ?? inode) === inode;
  return now.inode === inode && (birth === null || now.birth === null || now.birth === birth);
}

/** Whether something is known to be another disk than the one expected. */
export function isOtherThan({ facts, file }: ExpectedDisk, now: Telling): boolean {
  if (now.kind === 'file' || areOfOthers(facts, now.facts)) return true;
  if (file === undefined || now.file === undefined) return file !== now.file;
  const isKnown = file.inode !== null && now.file.inode !== null;
  if (isKnown) return file.inode !== now.file.inode;
  // From a mount namespace of its own, as units have one, the kernel tells the path from another root (d_path).
  const [one, other] = [file.path, now.file.path];
  return !one.endsWith(other) && !other.endsWith(one);
}

/** The same for the same file or disk, as serial numbers are made of; names, numbers of devices and sizes may change. */
export function tellingText(identity: Telling): string {
  if (identity.kind === 'file') return `${identity.inode} ${identity.birth}`;
  const { facts, file, block } = identity;
  return JSON.stringify([facts, file?.inode ?? file?.path ?? block]);
}

/** `MAJOR:MINOR` of a device number as stat(2) packs it (gnu_dev_major(3)). */
export function deviceNumber(dev: bigint): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}
