import { LabError } from '../../../base/errors.js';
import { formatSize } from '../../../base/units.js';
import { exportTarget } from '../../../serve/exports/export.js';
import type { Served } from '../../../serve/exports/served.js';
import { unexportTargets } from '../../../serve/exports/unexport.js';
import { parseMac } from '../../../wire/aoe/ethernet.js';
import { SECTOR } from '../../../wire/aoe/index.js';
import type { TargetConfig } from '../../../wire/initiator/config.js';
import { whoAnswers } from '../../../wire/initiator/who-answers.js';
import { openPacketLink } from '../../../wire/link/packet.js';
import type { Conditions, Contender } from '../contender.js';
import type { LoadGenerator } from '../generator.js';
import type { Wiring } from '../wiring.js';
import { loadOf, lookIn, runLoad, tooLong } from './loaded.js';

const SHELF = 0;
const SLOT = 1;
const LEAST_SECTORS = 2;

/**
 * Exports the file by an AoE target that is wired to a generator of its own, which is removed with it.
 * @throws LabError if it can't be exported or does not answer
 */
export async function aoeContender(
  name: string,
  served: Served,
  conditions: Conditions,
  generator: LoadGenerator,
  wiring: Wiring,
): Promise<Contender> {
  try {
    const exported = await exportTarget(wiring.host, served, {
      shelf: SHELF,
      slot: SLOT,
      iface: wiring.iface,
      ...(wiring.netns === undefined ? {} : { netns: wiring.netns }),
      path: wiring.path,
      keepLog: false,
      // All contenders share the file, one under load at a time.
      allow: true,
      options: conditions.directIo ? { directIo: true } : {},
    });
    const told = await ask(wiring.generator).catch(async (error) => {
      await unexportTargets(wiring.host, [exported.id], false);
      throw error;
    });
    const { setUp, bufferCount, refuses } = framesOf(told, conditions);
    const common = {
      protocol: 'aoe' as const,
      ...wiring.generator,
      mac: parseMac(exported.mac) as number,
      shelf: SHELF,
      slot: SLOT,
    };
    return {
      name,
      release: served.release,
      protocol: 'AoE',
      setUp: `${wiring.way}${setUp}`,
      bufferCount,
      pids: exported.pids,
      refuses,
      run: async (spec) => {
        // Others have written the file since.
        await wiring.sync?.();
        const load = { ...common, ...loadOf(spec, conditions.sectors) };
        return runLoad(generator, load, lookIn(conditions.path, spec.mark), wiring.sync);
      },
      trouble: () => wiring.trouble(),
      stop: async () => {
        await unexportTargets(wiring.host, [exported.id], false);
        await wiring.remove();
      },
    };
  } catch (error) {
    await wiring.remove().catch(() => {});
    throw error;
  }
}

/** What a target tells of itself. */
type Told = Pick<TargetConfig, 'bufferCount' | 'maxSectors'>;

/** What a target that told so can be measured with. */
export function framesOf(
  { bufferCount, maxSectors }: Told,
  { directIo, mtu }: Conditions,
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
