import { MissingError } from '../../../base/errors.js';
import type { Host } from '../../../hosts/host/host.js';
import { findCommand } from '../../../make/compile/requirements.js';
import type { Conditions, Contender } from '../contender.js';
import type { LoadGenerator } from '../generator.js';
import { loopbackWire } from '../wires.js';
import { loadOf, lookIn, runLoad } from './loaded.js';
import { listensIn, Server } from './server.js';

const PORT = 10809;

interface Kind {
  command: string;
  debian: string;
  argv(conditions: Conditions): string[];
  setUp(conditions: Conditions): string;
  /** How it tells its release, and where that is in what it prints. */
  version: RegExp;
}

const KINDS: Readonly<Record<'nbdkit' | 'qemu-nbd', Kind>> = {
  nbdkit: {
    command: 'nbdkit',
    debian: 'nbdkit',
    argv: ({ path }) => ['nbdkit', '-f', '-i', '127.0.0.1', '-p', String(PORT), 'file', path],
    setUp: () => 'file plugin, TCP over loopback',
    version: /nbdkit ([\d.]+)/,
  },
  'qemu-nbd': {
    command: 'qemu-nbd',
    debian: 'qemu-utils',
    argv: ({ path, directIo }) => [
      ...['qemu-nbd', '-b', '127.0.0.1', '-p', String(PORT), '-t', '-e', '0', '-f', 'raw'],
      ...['--aio=io_uring', `--cache=${directIo ? 'none' : 'writeback'}`, path],
    ],
    setUp: ({ directIo }) => `io_uring${directIo ? ', direct I/O' : ''}, TCP over loopback`,
    version: /qemu-nbd ([\d.]+)/,
  },
};

/**
 * Serves the file by an NBD server over loopback, in a namespace of its own.
 * @throws MissingError if it is not installed, or can't do what is asked
 */
export async function nbdContender(
  host: Host,
  name: 'nbdkit' | 'qemu-nbd',
  conditions: Conditions,
  generator: LoadGenerator,
  index: number,
): Promise<Contender> {
  const kind = KINDS[name];
  requireCommand(kind.command, kind.debian);
  if (name === 'nbdkit' && conditions.directIo) {
    throw new MissingError({
      tried: 'serving the file by nbdkit',
      happened: 'its file plugin knows no direct I/O',
      missing: ['direct I/O in nbdkit'],
    });
  }
  const { stdout } = await host.run([kind.command, '--version']);
  const wire = await loopbackWire(host, index);
  const inside = host.inNamespace(wire.netns);
  try {
    const server = await Server.start(wire.netns, kind.argv(conditions), async () => {
      const { stdout: sockets } = await inside.run(['cat', '/proc/net/tcp']);
      return listensIn(sockets, PORT);
    });
    const common = { protocol: 'nbd' as const, port: PORT, netns: wire.netns, export: '' };
    return {
      name,
      release: kind.version.exec(stdout)?.[1] ?? '',
      protocol: 'NBD',
      setUp: kind.setUp(conditions),
      pids: [server.pid],
      refuses: () => undefined,
      run: (spec) =>
        runLoad(
          generator,
          { ...common, ...loadOf(spec, conditions.sectors) },
          lookIn(conditions.path, spec.mark),
        ),
      stop: async () => {
        await server.stop();
        await wire.remove();
      },
    };
  } catch (error) {
    await wire.remove();
    throw error;
  }
}

/** @throws MissingError if a program is not installed */
export function requireCommand(command: string, debian: string): void {
  if (findCommand(command) !== undefined) return;
  throw new MissingError({
    tried: `looking for ${command}`,
    happened: 'it is not installed',
    next: `apt-get install ${debian}`,
    missing: [command],
  });
}
