import { LabError } from '../../../base/errors.js';
import { formatSize } from '../../../base/units.js';
import { exportTarget } from '../../../serve/exports/export.js';
import type { Served } from '../../../serve/exports/served.js';
import { unexportTargets } from '../../../serve/exports/unexport.js';
import { parseMac } from '../../../wire/aoe/ethernet.js';
import type { TargetConfig } from '../../../wire/initiator/config.js';
import { whoAnswers } from '../../../wire/initiator/who-answers.js';
import { openPacketLink } from '../../../wire/link/packet.js';
import type { Arena, Contender } from '../contender.js';
import { SECTOR } from '../content.js';
import type { LoadGenerator } from '../generator.js';
import type { Track } from '../track.js';
import { loadOf, lookIn, runLoad, tooLong } from './loaded.js';

const SHELF = 0;
const SLOT = 1;
const LEAST_SECTORS = 2;

/**
 * Exports the file by an AoE target on a track of its own, which is removed with it.
 * @throws LabError if it can't be exported or does not answer
 */
export async function aoeContender(
  name: string,
  served: Served,
  arena: Arena,
  generator: LoadGenerator,
  track: Track,
): Promise<Contender> {
  try {
    const exported = await exportTarget(track.host, served, {
      shelf: SHELF,
      slot: SLOT,
      iface: track.iface,
      ...(track.netns === undefined ? {} : { netns: track.netns }),
      path: track.path,
      // All contenders share the file, one under load at a time.
      allow: true,
      options: arena.directIo ? { directIo: true } : {},
    });
    const told = await ask(track.generator).catch(async (error) => {
      await unexportTargets(track.host, [exported.id], false, { keepLogs: false });
      throw error;
    });
    const { setUp, bufferCount, refuses } = framesOf(told, arena);
    const common = {
      protocol: 'aoe' as const,
      ...track.generator,
      mac: parseMac(exported.mac) as number,
      shelf: SHELF,
      slot: SLOT,
    };
    return {
      name,
      release: served.release,
      protocol: 'AoE',
      setUp: `${track.way}${setUp}`,
      bufferCount,
      pids: exported.pids,
      refuses,
      run: async (spec) => {
        // Others have written the file since.
        await track.settle?.();
        const load = { ...common, ...loadOf(spec, arena.sectors) };
        return runLoad(generator, load, lookIn(arena.path, spec.mark), track.settle);
      },
      trouble: () => track.trouble(),
      stop: async () => {
        await unexportTargets(track.host, [exported.id], false, { keepLogs: false });
        await track.remove();
      },
    };
  } catch (error) {
    await track.remove().catch(() => {});
    throw error;
  }
}

/** What a target tells of itself. */
type Told = Pick<TargetConfig, 'bufferCount' | 'maxSectors'>;

/** What a target that told so can be measured with. */
export function framesOf(
  { bufferCount, maxSectors }: Told,
  { directIo, mtu }: Arena,
): { setUp: string; bufferCount: number; refuses: Contender['refuses'] } {
  // One that tells 0 takes what every target takes.
  const most = maxSectors || LEAST_SECTORS;
  return {
    setUp: `${directIo ? 'direct I/O' : 'its defaults'}, ${bufferCount} buffers, ${most} sectors a frame`,
    bufferCount,
    refuses: ({ size }) =>
      size > most * SECTOR
        ? `it takes ${most} sectors a frame, ${formatSize(size)} are ${size / SECTOR}`
        : tooLong(size, mtu),
  };
}

/** @throws LabError if no target answers */
async function ask(place: { iface: string; netns: string }): Promise<Told> {
  const link = await openPacketLink(place);
  try {
    const all = { shelf: undefined, slot: undefined };
    const [station] = await whoAnswers(link, all, { wait: 300, identify: false });
    if (station?.config !== undefined) return station.config;
    throw new LabError({
      tried: `asking the target on ${place.iface} in ${place.netns}`,
      happened: 'it does not answer',
    });
  } finally {
    await link.close();
  }
}
