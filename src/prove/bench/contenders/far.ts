import { type ExportReport, exportTarget } from '../../../serve/exports/export.js';
import type { Served } from '../../../serve/exports/served.js';
import { unexportTargets } from '../../../serve/exports/unexport.js';
import { FREE_SHELF, type RemoteDut, requireFree } from '../../testbed/remote-dut.js';
import type { Conditions, Contender } from '../contender.js';
import { sectorsWithoutOn } from '../file-on-host.js';
import type { LoadGenerator } from '../generator.js';
import { framesOf } from './aoe.js';
import { loadOf, runLoad } from './loaded.js';

const ADDRESS = { shelf: FREE_SHELF, slot: 2 };

/**
 * Exports the file by an AoE target on a host over SSH. All targets there are on one segment, where each would hear the
 * requests to the others: it is exported for its own runs alone, unless it is the only one.
 * @throws LabError if it can't be exported or is not heard
 */
export async function farContender(
  name: string,
  served: Served,
  conditions: Conditions,
  generator: LoadGenerator,
  dut: RemoteDut,
  isOnly: boolean,
): Promise<Contender> {
  const { host, segment } = dut;
  let exported: ExportReport | undefined;
  const begin = async (): Promise<void> => {
    exported ??= await exportTarget(host, served, {
      ...ADDRESS,
      ...dut.spec,
      path: conditions.path,
      keepLog: false,
      options: conditions.directIo ? { directIo: true } : {},
    });
  };
  const stop = async (): Promise<void> => {
    if (exported !== undefined) await unexportTargets(host, [exported.id], false);
    exported = undefined;
  };
  await requireFree(segment, [ADDRESS]);
  await begin();
  const { bufferCount, maxSectors } = await dut.requireHeard(ADDRESS);
  const frames = framesOf({ bufferCount: bufferCount ?? 1, maxSectors: maxSectors ?? 0 }, conditions);
  if (!isOnly) await stop();
  const common = { protocol: 'aoe' as const, iface: segment.wire, mac: segment.mac, ...ADDRESS };
  return {
    name,
    release: served.release,
    protocol: 'AoE',
    setUp: `on ${host.name}, ${frames.setUp}`,
    bufferCount: frames.bufferCount,
    host,
    get pids() {
      return exported?.pids ?? [];
    },
    refuses: frames.refuses,
    begin,
    run: (spec) =>
      runLoad(generator, { ...common, ...loadOf(spec, conditions.sectors) }, (sectors) =>
        sectorsWithoutOn(host, spec.mark, conditions.path, sectors),
      ),
    end: isOnly ? async () => {} : stop,
    stop,
  };
}
