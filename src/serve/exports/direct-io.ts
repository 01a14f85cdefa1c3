import { MissingError, UsageError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { toolLimits } from '../../hosts/tools/tools.js';
import type { Control } from '../../make/recipe/schema.js';
import { SECTOR } from '../../wire/aoe/index.js';
import type { Backing } from '../storage/backing.js';
import { byNumber } from '../storage/snapshot.js';
import type { StorageSurvey } from './suitability.js';

/** Reads one block past the page cache; the kernel says EINVAL where a file system has no such way (open(2), O_DIRECT). */
export const DIRECT_IO_PROBE = 'LC_ALL=C dd if="$1" of=/dev/null bs=4096 count=1 iflag=direct 2>&1';

/**
 * Refuses direct I/O on a loop device where nothing on the host could attach one so.
 * @throws MissingError with the program
 */
export async function requireDirectLoops(host: Host, name: string): Promise<void> {
  const limit = (await toolLimits(host)).find(({ tool }) => tool === 'losetup');
  if (limit === undefined) return;
  throw new MissingError({
    tried: `exporting ${name} by a loop device with direct I/O`,
    happened: `losetup ${host.name}: ${limit.why}`,
    next: 'install that of util-linux (package mount or util-linux), or leave --direct-io out',
    missing: ['losetup'],
  });
}

/**
 * Refuses direct I/O where every request would fail: a target hands on what a frame holds, as few as 1 or 2 sectors of 512
 * bytes, and devices with larger sectors take whole ones only.
 * @throws UsageError with the cause and the way out
 */
export async function requireDirectIo(
  host: Host,
  control: Control,
  backing: Backing,
  survey: StorageSurvey,
): Promise<void> {
  if (backing.absent) return;
  const argv = ['sh', '-c', DIRECT_IO_PROBE, 'sh', backing.name];
  judgeDirectIo(control, backing, survey, (await host.run(argv, { accept: [1] })).stdout);
}

/** @param probed what the probe printed @throws UsageError as `requireDirectIo` */
export function judgeDirectIo(
  { options }: Control,
  { name, kind, absent }: Backing,
  { snapshot }: Pick<StorageSurvey, 'snapshot'>,
  probed: string,
): void {
  if (absent) return;
  const tried = `exporting ${name} with direct I/O`;
  const facts = snapshot.names.get(name);
  const block = facts?.node && byNumber(snapshot, kind === 'device' ? facts.node.number : facts.node.id.dev);
  const sectorSize = block?.sectorSize ?? SECTOR;
  if (sectorSize > SECTOR && !options.directIo?.unaligned) {
    throw new UsageError({
      tried,
      happened: `its sectors are ${sectorSize} bytes, and frames carry sectors of ${SECTOR}: reads and writes that are no whole sectors of the disk would fail`,
      next: 'leave --direct-io out, or take the native target, which joins them',
    });
  }
  if (!/Invalid argument|not supported/.test(probed)) return;
  throw new UsageError({
    tried,
    happened: `${facts?.room?.type ?? 'the file system'} takes no direct I/O`,
    next: 'leave --direct-io out',
  });
}
