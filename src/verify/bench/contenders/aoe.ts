import { parseMac } from '../../../aoe/ethernet.js';
import { LabError } from '../../../errors.js';
import { discover } from '../../../initiator/discover.js';
import { openPacketLink } from '../../../link/packet.js';
import { exportTarget } from '../../../target/export.js';
import type { Served } from '../../../target/plan.js';
import { unexportTargets } from '../../../target/unexport.js';
import { formatSize } from '../../../units.js';
import type { Arena, Contender } from '../contender.js';
import { SECTOR } from '../content.js';
import type { LoadGenerator } from '../generator.js';
import type { Track } from '../track.js';
import { loadOf, runLoad, tooLong } from './loaded.js';

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
      force: true,
      options: arena.directIo ? { directIo: true } : {},
    });
    const facts = await ask(track.generator).catch(async (error) => {
      await unexportTargets(track.host, [exported.id], false);
      throw error;
    });
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
      setUp: `${track.way}${arena.directIo ? 'direct I/O' : 'its defaults'}, ${facts.bufferCount} buffers, ${facts.maxSectors} sectors a frame`,
      bufferCount: facts.bufferCount,
      pids: exported.pids,
      refuses: ({ size }) =>
        size > facts.maxSectors * SECTOR
          ? `it takes ${facts.maxSectors} sectors a frame, ${formatSize(size)} are ${size / SECTOR}`
          : tooLong(size, arena.mtu),
      run: async (wish) => {
        // Others have written the file since.
        await track.settle?.();
        const load = { ...common, ...loadOf(wish, arena.sectors) };
        return runLoad(generator, load, arena.path, track.settle);
      },
      trouble: () => track.trouble(),
      stop: async () => {
        await unexportTargets(track.host, [exported.id], false);
        await track.remove();
      },
    };
  } catch (error) {
    await track.remove().catch(() => {});
    throw error;
  }
}

/** @throws LabError if no target answers */
async function ask(place: {
  iface: string;
  netns: string;
}): Promise<{ bufferCount: number; maxSectors: number }> {
  const link = await openPacketLink(place);
  try {
    const [target] = await discover(link, { wait: 300 });
    // One that tells 0 takes what every target takes.
    if (target !== undefined) return { ...target, maxSectors: target.maxSectors || LEAST_SECTORS };
    throw new LabError({
      tried: `asking the target on ${place.iface} in ${place.netns}`,
      happened: 'it does not answer',
    });
  } finally {
    await link.close();
  }
}
