import { formatSize } from '../../../base/units.js';
import { ATA_DATA_OFFSET } from '../../../wire/aoe/ata.js';
import { ETHERNET_HEADER } from '../../../wire/aoe/ethernet.js';
import type { Run, RunSpec } from '../contender.js';
import { sectorsWithout } from '../file.js';
import type { LoadGenerator } from '../generator.js';
import type { AnyLoad, Load } from '../load.js';

/** What our generators need to know of a run. */
export function loadOf({ point, ...spec }: RunSpec, sectors: number): Load {
  return { ...point, ...spec, sectors };
}

/**
 * Runs a load of ours.
 * @param look which of some acknowledged writes are not in the backing file, and how many were looked for; undefined: they
 *   are not kept
 * @param sync has them brought there before
 */
export async function runLoad(
  generator: LoadGenerator,
  load: AnyLoad,
  look: ((sectors: readonly number[]) => Promise<{ looked: number; missing: number[] }>) | undefined,
  sync?: () => Promise<void>,
): Promise<Run> {
  const { written, ...figures } = await generator.run(load);
  if (look === undefined || written.length === 0) return figures;
  await sync?.();
  const { looked, missing } = await look(written);
  if (missing.length === 0) return { ...figures, compared: figures.compared + looked };
  return {
    ...figures,
    wrong: figures.wrong + missing.length,
    example: figures.example ?? `sector ${missing[0]}: an acknowledged write is not in the file`,
  };
}

/** Looks for acknowledged writes in a file of this machine. */
export function lookIn(path: string, mark: number) {
  return async (sectors: readonly number[]): Promise<{ looked: number; missing: number[] }> => ({
    looked: sectors.length,
    missing: await sectorsWithout(mark, path, sectors),
  });
}

/** Why so many bytes of data can't be carried by one frame of AoE; undefined if they can. */
export function tooLong(size: number, mtu: number): string | undefined {
  const payload = mtu - (ATA_DATA_OFFSET - ETHERNET_HEADER);
  return size > payload ? `${formatSize(size)} do not fit a frame at MTU ${mtu}` : undefined;
}
