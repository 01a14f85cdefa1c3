import { UsageError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { loadRecipe } from '../../make/recipe/load.js';
import { provide } from '../../serve/exports/provide.js';
import { placeOf, refuseModule } from '../testbed/place.js';
import type { RemoteDut } from '../testbed/remote-dut.js';
import type { Conditions, Contender } from './contender.js';
import { type ContenderSpec, isOther } from './contender-specs.js';
import { aoeContender } from './contenders/aoe.js';
import { farContender } from './contenders/far.js';
import { fioContender } from './contenders/fio.js';
import { nbdContender } from './contenders/nbd.js';
import { tgtContender } from './contenders/tgt.js';
import type { LoadGenerator } from './generator.js';
import { guestWiring, hubWiring, straightWiring, type Wiring, type WiringOptions } from './wiring.js';

export interface EnterOptions {
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
 * Makes a contender ready: builds what has to be built, and starts it; a kernel module in a guest.
 * @param index of its wire
 * @throws LabError if it can't take part
 */
export async function enter(
  host: Host,
  spec: ContenderSpec,
  conditions: Conditions,
  generator: LoadGenerator,
  index: number,
  options: EnterOptions,
): Promise<Contender> {
  const { name, implementation, release, source } = spec;
  if (!isOther(implementation)) {
    const { kernel, offline, unpinned, dut, isOnly = false } = options;
    if (dut !== undefined) {
      refuseModule(await loadRecipe(implementation), dut.host.name);
      const served = await provide(implementation, {
        release,
        source,
        offline,
        unpinned,
        runsOn: dut.host,
      });
      return farContender(name, served, conditions, generator, dut, isOnly);
    }
    const served = await provide(implementation, { release, source, offline, unpinned, kernel });
    const wired = { index, mtu: conditions.mtu, path: conditions.path };
    const wiring =
      placeOf(served, undefined) === 'guest'
        ? await guestWiring(host, wired, kernel, offline)
        : await wiringHere(host, wired, options);
    return aoeContender(name, served, conditions, generator, wiring);
  }
  if (options.dut !== undefined) {
    throw new UsageError({
      tried: `measuring ${name} on ${options.dut.host.name}`,
      happened: 'it is run on this machine only',
      next: 'leave it out, or --host',
    });
  }
  switch (implementation) {
    case 'fio':
      return fioContender(host, conditions);
    case 'tgt':
      return tgtContender(host, conditions, index);
    default:
      return nbdContender(host, implementation, conditions, generator, index);
  }
}

/** The way to a target on this machine. */
export function wiringHere(
  host: Host,
  options: WiringOptions,
  { hub }: Pick<EnterOptions, 'hub'>,
): Promise<Wiring> {
  return hub ? hubWiring(host, options) : straightWiring(host, options);
}
