import { UsageError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { loadRecipe } from '../../make/recipe/load.js';
import { provide } from '../../serve/exports/provide.js';
import { placeOf, refuseModule } from '../testbed/place.js';
import type { RemoteDut } from '../testbed/remote-dut.js';
import type { Arena, Contender } from './contender.js';
import { aoeContender } from './contenders/aoe.js';
import { farContender } from './contenders/far.js';
import { fioContender } from './contenders/fio.js';
import { nbdContender } from './contenders/nbd.js';
import { tgtContender } from './contenders/tgt.js';
import { type Entrant, isOther } from './entrants.js';
import type { LoadGenerator } from './generator.js';
import { guestTrack, hubTrack, straightTrack, type Track, type TrackOptions } from './track.js';

export interface Course {
  /** Whether all frames of AoE pass a hub, as those to a guest have to. */
  hub: boolean;
  /** Of guests. */
  kernel: string;
  offline: boolean;
  unpinned?: boolean | undefined;
  /** The host over SSH that all targets run on. */
  dut?: RemoteDut | undefined;
  /** Whether nobody else takes part. */
  isOnly?: boolean;
}

/**
 * Makes an entrant ready: builds what has to be built, and starts it; a kernel module in a guest.
 * @param index of its wire
 * @throws LabError if it can't take part
 */
export async function enter(
  host: Host,
  entrant: Entrant,
  arena: Arena,
  generator: LoadGenerator,
  index: number,
  course: Course,
): Promise<Contender> {
  const { name, implementation, release, source } = entrant;
  if (!isOther(implementation)) {
    const { kernel, offline, unpinned, dut, isOnly = false } = course;
    if (dut !== undefined) {
      refuseModule(await loadRecipe(implementation), dut.host.name);
      const served = await provide(implementation, {
        release,
        source,
        offline,
        unpinned,
        runsOn: dut.host,
      });
      return farContender(name, served, arena, generator, dut, isOnly);
    }
    const served = await provide(implementation, { release, source, offline, unpinned, kernel });
    const options = { index, mtu: arena.mtu, path: arena.path };
    const track =
      placeOf(served, undefined) === 'guest'
        ? await guestTrack(host, options, kernel, offline)
        : await trackHere(host, options, course);
    return aoeContender(name, served, arena, generator, track);
  }
  if (course.dut !== undefined) {
    throw new UsageError({
      tried: `measuring ${name} on ${course.dut.host.name}`,
      happened: 'it is run on this machine only',
      next: 'leave it out, or --host',
    });
  }
  switch (implementation) {
    case 'fio':
      return fioContender(host, arena);
    case 'tgt':
      return tgtContender(host, arena, index);
    default:
      return nbdContender(host, implementation, arena, generator, index);
  }
}

/** The way to a target on this machine. */
export function trackHere(host: Host, options: TrackOptions, { hub }: Pick<Course, 'hub'>): Promise<Track> {
  return hub ? hubTrack(host, options) : straightTrack(host, options);
}
