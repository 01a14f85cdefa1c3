import { join } from 'node:path';
import { digestOfFile } from '../../../base/digest.js';
import { cacheFolder, packageRoot } from '../../../base/files/paths.js';
import type { Host } from '../../../hosts/host/host.js';
import { listInterfaces } from '../../../hosts/host/interface.js';
import { compilerWords } from '../../../make/compile/requirements.js';
import { keep } from '../../../make/store/keep.js';
import { parseMac } from '../../../wire/aoe/ethernet.js';
import type { Conditions, Contender } from '../contender.js';
import type { LoadGenerator } from '../generator.js';
import type { Wiring } from '../wiring.js';
import { loadOf, runLoad, tooLong } from './loaded.js';
import { requireCommand } from './nbd.js';
import { Server } from './server.js';

export const REFLECTOR = 'reflector';
/** Bytes of data that a slot of its rings has room for. */
const LARGEST = 15 << 10;

/**
 * The ceiling: a small C program that answers every request from memory, out of a receive ring.
 * @param layWiring called once the program is there; one on this machine
 * @throws MissingError without a compiler
 */
export async function reflectorContender(
  host: Host,
  conditions: Conditions,
  generator: LoadGenerator,
  layWiring: () => Promise<Wiring>,
): Promise<Contender> {
  const program = await buildReflector(host);
  const wiring = await layWiring();
  try {
    const netns = wiring.netns as string;
    const interfaces = await listInterfaces(host.inNamespace(netns));
    const mac = parseMac(interfaces.find(({ name }) => name === wiring.iface)?.mac ?? '') as number;
    const argv = [program, wiring.iface, conditions.path];
    const server = await Server.start(netns, argv, async (said) => said.includes('ready'));
    const common = {
      protocol: 'aoe' as const,
      ...wiring.generator,
      mac,
      shelf: 0,
      slot: 1,
    };
    return {
      name: REFLECTOR,
      release: '',
      protocol: 'AoE',
      setUp: `${wiring.way}answers from memory and looks for requests before it sleeps; forgets what is written`,
      pids: [server.pid],
      refuses: ({ size }) =>
        size > LARGEST ? 'its slots are smaller than that' : tooLong(size, conditions.mtu),
      run: (spec) => runLoad(generator, { ...common, ...loadOf(spec, conditions.sectors) }, undefined),
      stop: async () => {
        await server.stop();
        await wiring.remove();
      },
    };
  } catch (error) {
    await wiring.remove();
    throw error;
  }
}

/** @returns the path of the program, compiled once for each version of its source */
async function buildReflector(host: Host): Promise<string> {
  const source = join(packageRoot, 'templates', 'bench', 'reflector.c');
  const compiler = compilerWords();
  requireCommand(compiler[0] as string, 'gcc libc6-dev');
  const folder = join(cacheFolder(), 'bench');
  const program = join(folder, `reflector-${(await digestOfFile(source)).slice(0, 16)}`);
  return keep(program, (at) => host.run([...compiler, '-O2', '-Wall', '-o', at, source]));
}
