import { dirname, join } from 'node:path';
import { LabError, linesOf } from '../../../base/errors.js';
import type { Host } from '../../../hosts/host/host.js';
import { SECTOR } from '../../../wire/aoe/index.js';
import type { Conditions, Contender } from '../contender.js';
import { loopbackWire } from '../wires.js';
import { NOTHING_SEEN } from './fio.js';
import { requireCommand } from './nbd.js';
import { listensIn, Server } from './server.js';

const PORT = 3260;
const NAME = 'iqn.2000-01.invalid.aoe-lab:bench';

/**
 * Serves the file by tgt (iSCSI) over loopback; load comes from iscsi-perf of libiscsi, which reads only, runs for
 * whole seconds and tells no latencies.
 * @throws MissingError if tgt or iscsi-perf is not installed
 */
export async function tgtContender(host: Host, conditions: Conditions, index: number): Promise<Contender> {
  requireCommand('tgtd', 'tgt');
  requireCommand('iscsi-perf', 'libiscsi-bin');
  const { stdout: version } = await host.run(['tgtd', '--version']);
  const wire = await loopbackWire(host, index);
  const inside = host.inNamespace(wire.netns);
  // tgtd and tgtadm meet there rather than in a folder of the system's.
  const env = { TGT_IPC_SOCKET: join(dirname(conditions.path), 'tgt') };
  let server: Server | undefined;
  const stop = async () => {
    // It does not end by TERM while it has a target.
    await server?.stop('SIGKILL');
    await wire.remove();
  };
  try {
    const argv = ['tgtd', '-f', '--iscsi', `portal=127.0.0.1:${PORT}`];
    server = await Server.start(
      wire.netns,
      argv,
      async () => {
        const { stdout } = await inside.run(['cat', '/proc/net/tcp']);
        return listensIn(stdout, PORT);
      },
      env,
    );
    for (const words of setUpCommands(conditions)) {
      await inside.run(['tgtadm', '--lld', 'iscsi', ...words], { env });
    }
    return {
      name: 'tgt',
      release: version.trim(),
      protocol: 'iSCSI',
      setUp: `${conditions.directIo ? 'direct I/O, ' : ''}TCP over loopback, loaded by iscsi-perf`,
      pids: [server.pid],
      refuses: ({ reads }) => (reads === 100 ? undefined : 'iscsi-perf, which loads it, only reads'),
      run: async ({ point: { size, depth }, time }) => {
        const seconds = Math.max(1, Math.round(time / 1000));
        const { stdout } = await inside.run([
          ...['iscsi-perf', '-r', '-m', String(depth), '-b', String(size / SECTOR), '-t', String(seconds)],
          `iscsi://127.0.0.1/${NAME}/1`,
        ]);
        const requests = parseIscsiPerf(stdout) * seconds;
        return { requests, time: seconds * 1000, answered: requests, latency: undefined, ...NOTHING_SEEN };
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function setUpCommands({ path, directIo }: Conditions): string[][] {
  const unit = ['--op', 'new', '--mode', 'logicalunit', '--tid', '1', '--lun', '1', '-b', path];
  return [
    ['--op', 'new', '--mode', 'target', '--tid', '1', '-T', NAME],
    [...unit, ...(directIo ? ['--bsoflags', 'direct'] : [])],
    ['--op', 'bind', '--mode', 'target', '--tid', '1', '-I', 'ALL'],
  ];
}

/** Requests a second, the last time that iscsi-perf tells it. @throws LabError if it does not */
export function parseIscsiPerf(text: string): number {
  const all = [...text.matchAll(/iops average (\d+)/g)];
  const last = all.at(-1)?.[1];
  if (last !== undefined) return Number(last);
  throw new LabError({
    tried: 'measuring tgt by iscsi-perf',
    happened: linesOf(text.trim() || 'it printed nothing'),
  });
}
