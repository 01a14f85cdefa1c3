import type { Host } from '../../host/host.js';
import { provide } from '../../target/provide.js';
import type { Arena, Contender } from './contender.js';
import { aoeContender } from './contenders/aoe.js';
import { fioContender } from './contenders/fio.js';
import { nbdContender } from './contenders/nbd.js';
import { tgtContender } from './contenders/tgt.js';
import { type Entrant, isOther } from './entrants.js';
import type { LoadGenerator } from './generator.js';

/**
 * Makes an entrant ready: builds what has to be built, and starts it.
 * @param index of its wire
 * @throws LabError if it can't take part
 */
export async function enter(
  host: Host,
  entrant: Entrant,
  arena: Arena,
  generator: LoadGenerator,
  index: number,
  offline: boolean,
): Promise<Contender> {
  const { name, implementation, release, source } = entrant;
  if (!isOther(implementation)) {
    const served = await provide(implementation, { release, source, offline });
    return aoeContender(host, name, served, arena, generator, index);
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
