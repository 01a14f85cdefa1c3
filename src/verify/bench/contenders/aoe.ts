import { parseMac } from '../../../aoe/ethernet.js';
import { LabError } from '../../../errors.js';
import type { Host } from '../../../host/host.js';
import { removeWire } from '../../../host/namespace.js';
import { discover } from '../../../initiator/discover.js';
import { openPacketLink } from '../../../link/packet.js';
import { exportTarget } from '../../../target/export.js';
import type { Served } from '../../../target/plan.js';
import { unexportTargets } from '../../../target/unexport.js';
import { formatSize } from '../../../units.js';
import type { Arena, Contender } from '../contender.js';
import { SECTOR } from '../content.js';
import type { LoadGenerator } from '../generator.js';
import { benchWire } from '../wires.js';
import { loadOf, runLoad, tooLong } from './loaded.js';

const SHELF = 0;
const SLOT = 1;

/** Exports the file by an AoE target on a wire of its own. @param index of the wire */
export async function aoeContender(
  host: Host,
  name: string,
  served: Served,
  arena: Arena,
  generator: LoadGenerator,
  index: number,
): Promise<Contender> {
  const wire = await benchWire(host, index, arena.mtu);
  try {
    const exported = await exportTarget(host, served, {
      shelf: SHELF,
      slot: SLOT,
      iface: wire.target,
      netns: wire.netns,
      path: arena.path,
      // All contenders share the file, one under load at a time.
      force: true,
      options: arena.directIo ? { directIo: true } : {},
    });
    const stop = async () => {
      await unexportTargets(host, [exported.id], false);
      await removeWire(host, wire);
    };
    try {
      const facts = await ask(wire.initiator, wire.netns);
      const common = {
        protocol: 'aoe' as const,
        iface: wire.initiator,
        netns: wire.netns,
        mac: parseMac(exported.mac) as number,
        shelf: SHELF,
        slot: SLOT,
      };
      return {
        name,
        release: served.release,
        protocol: 'AoE',
        setUp: `${arena.directIo ? 'direct I/O' : 'its defaults'}, ${facts.bufferCount} buffers, ${facts.maxSectors} sectors a frame`,
        bufferCount: facts.bufferCount,
        pids: exported.pids,
        refuses: ({ size }) =>
          size > facts.maxSectors * SECTOR
            ? `it takes ${facts.maxSectors} sectors a frame, ${formatSize(size)} are ${size / SECTOR}`
            : tooLong(size, arena.mtu),
        run: (wish) => runLoad(generator, { ...common, ...loadOf(wish, arena.sectors) }, arena.path),
        stop,
      };
    } catch (error) {
      await stop();
      throw error;
    }
  } catch (error) {
    await removeWire(host, wire).catch(() => {});
    throw error;
  }
}

async function ask(iface: string, netns: string): Promise<{ bufferCount: number; maxSectors: number }> {
  const link = await openPacketLink({ iface, netns });
  try {
    const [target] = await discover(link, { wait: 300 });
    if (target !== undefined) return target;
    throw new LabError({
      tried: `asking the target on ${iface} in ${netns}`,
      happened: 'it does not answer',
    });
  } finally {
    await link.close();
  }
}
