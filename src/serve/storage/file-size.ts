/** How large a file may be, and what is said of one that can't be made. No I/O. */
import { LabError, UsageError } from '../../base/errors.js';
import { formatSize } from '../../base/units.js';
import { CommandError } from '../../hosts/host/command-error.js';
import type { NameFacts } from './snapshot.js';

type Room = NonNullable<NameFacts['room']>;

/**
 * By the name that stat(1) gives it, the bound that the kernel sets (`s_maxbytes`) or one above it: what it refuses all the
 * same is told when the file is made. ext4 has 2^32 - 1 blocks a file (ext4_max_size), ext2 and ext3 have less; f2fs has what an inode
 * and three levels of nodes address, four bytes a block; FAT has 32 bits.
 */
const LARGEST: Readonly<Record<string, (unit: number) => number>> = {
  'ext2/ext3': (unit) => (2 ** 32 - 1) * unit,
  f2fs: (unit) => (unit / 4 + 1) ** 3 * unit,
  msdos: () => 2 ** 32 - 1,
};

/** Bytes; undefined where no bound is known. */
export function largestFile({ type, unit }: Room): number | undefined {
  return LARGEST[type]?.(unit);
}

/** What the system said as a file was to be made, as the user is told. @param name as the user typed it */
export function notMade(error: unknown, name: string, size: number): unknown {
  if (!(error instanceof CommandError)) return error;
  const { stderr, stdout } = error;
  const said = `${stderr}${stdout}`;
  const tried = `making ${name}`;
  if (/File too large/i.test(said)) {
    return new UsageError({
      tried,
      happened: `its file system, or a limit of this user (ulimit -f), allows no file of ${formatSize(size)} (${size} bytes)`,
      next: 'take a smaller --size, or name a file on another file system',
    });
  }
  const [, reason] = /(No space left on device|Disk quota exceeded|Read-only file system)/i.exec(said) ?? [];
  if (reason === undefined) return error;
  return new LabError({
    tried,
    happened: reason.toLowerCase(),
    next: 'make room there, or name a file on another file system',
    cause: error,
  });
}
