import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOfFile } from '../../../base/digest.js';
import { cacheFolder, packageRoot } from '../../../base/files/paths.js';
import type { Host } from '../../../hosts/host/host.js';
import { listInterfaces } from '../../../hosts/host/interface.js';
import { compilerWords } from '../../../make/compile/requirements.js';
import { parseMac } from '../../../wire/aoe/ethernet.js';
import type { Arena, Contender } from '../contender.js';
import type { LoadGenerator } from '../generator.js';
import type { Track } from '../track.js';
import { loadOf, runLoad, tooLong } from './loaded.js';
import { requireCommand } from './nbd.js';
import { Server } from './server.js';

export const REFLECTOR = 'reflector';
/** Bytes of data that a slot of its rings has room for. */
const LARGEST = 15 << 10;

/**
 * The ceiling: a small C program that answers every request from memory, out of a receive ring.
 * @param layTrack called once the program is there; one on this machine
 * @throws MissingError without a compiler
 */
export async function reflectorContender(
  host: Host,
  arena: Arena,
  generator: LoadGenerator,
  layTrack: () => Promise<Track>,
): Promise<Contender> {
  const program = await buildReflector(host);
  const track = await layTrack();
  try {
    const netns = track.netns as string;
    const interfaces = await listInterfaces(host.inNamespace(netns));
    const mac = parseMac(interfaces.find(({ name }) => name === track.iface)?.mac ?? '') as number;
    const argv = [program, track.iface, arena.path];
    const server = await Server.start(netns, argv, async (said) => said.includes('ready'));
    const common = {
      protocol: 'aoe' as const,
      ...track.generator,
      mac,
      shelf: 0,
      slot: 1,
    };
    return {
      name: REFLECTOR,
      release: '',
      protocol: 'AoE',
      setUp: `${track.way}answers from memory and looks for requests before it sleeps; forgets what is written`,
      pids: [server.pid],
      refuses: ({ size }) => (size > LARGEST ? 'its slots are smaller than that' : tooLong(size, arena.mtu)),
      run: (spec) => runLoad(generator, { ...common, ...loadOf(spec, arena.sectors) }, undefined),
      stop: async () => {
        await server.stop();
        await track.remove();
      },
    };
  } catch (error) {
    await track.remove();
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
  if ((await host.stat(program)) !== undefined) return program;
  await mkdir(folder, { recursive: true });
  const temporary = `${program}.${process.pid}`;
  await host.run([...compiler, '-O2', '-Wall', '-o', temporary, source]);
  await rename(temporary, program);
  return program;
}
