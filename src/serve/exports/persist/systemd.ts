import { LabError, linesOf } from '../../../base/errors.js';
import type { Host } from '../../../hosts/host/host.js';
import type { ServiceManager } from './service-manager.js';

export const UNIT_FOLDER = '/etc/systemd/system';

/** Whether systemd is the host's first process (sd_booted(3)) and obeys us. */
export async function runsSystemd(host: Host): Promise<boolean> {
  const [place, { uid }] = await Promise.all([host.stat('/run/systemd/system'), host.facts()]);
  return place?.kind === 'directory' && uid === 0;
}

/** Milliseconds. A unit waits for its interface; systemd's default is 90 s. */
const PATIENCE = 120_000;

const unit = (service: string): string => `${service}.service`;

export function systemd(host: Host): ServiceManager {
  const systemctl = async (words: readonly string[], accept: readonly number[] = []): Promise<string> =>
    (await host.run(['systemctl', ...words], { accept, timeout: PATIENCE })).stdout;
  const stop = async (service: string): Promise<void> => {
    // 5: it is not loaded.
    await systemctl(['stop', unit(service)], [5]);
  };
  const retire = async (services: readonly string[]): Promise<void> => {
    // 1: its file is gone.
    for (const service of services) await systemctl(['disable', '--quiet', unit(service)], [1]);
  };
  const enableArgvs = async (services: readonly string[]): Promise<string[][]> => [
    ['systemctl', 'daemon-reload'],
    ...(services.length === 0 ? [] : [['systemctl', 'enable', '--quiet', ...services.map(unit)]]),
  ];
  return {
    kind: 'systemd',
    startArgv: (service) => ['systemctl', 'start', unit(service)],
    start: async (service) => {
      try {
        await systemctl(['start', unit(service)]);
      } catch (error) {
        const said = await systemctl(['status', '--no-pager', '--full', '--lines=8', unit(service)], [3, 4]);
        throw new LabError({
          tried: `starting the unit ${unit(service)} on ${host.name}`,
          // The first lines tell what it is; its log comes after an empty one.
          happened: said.trim() === '' ? linesOf((error as Error).message) : linesOf(said.trim()).slice(-6),
          next: `systemctl status ${unit(service)}`,
          cause: error,
        });
      }
    },
    stop,
    enableArgvs,
    enable: async (services) => {
      for (const argv of await enableArgvs(services)) await host.run(argv, { timeout: PATIENCE });
    },
    retire,
    disable: async (services) => {
      for (const service of services) {
        await stop(service);
        await retire([service]);
      }
    },
    forget: async (services) => {
      await systemctl(['daemon-reload']);
      // A unit that had failed is known for that, even without its file. 1: none of them is.
      if (services.length > 0) await systemctl(['reset-failed', ...services.map(unit)], [1]);
    },
    fault: async (service) => {
      const names = ['LoadState', 'UnitFileState', 'ActiveState'];
      const shown = await systemctl(['show', unit(service), ...names.map((name) => `--property=${name}`)]);
      const facts = new Map(shown.split('\n').map((line) => line.split('=', 2) as [string, string]));
      if (facts.get('LoadState') !== 'loaded') return `the unit ${unit(service)} is missing`;
      if (facts.get('UnitFileState') !== 'enabled') return `the unit ${unit(service)} is not enabled`;
      const state = facts.get('ActiveState');
      return state === 'active' ? undefined : `the unit ${unit(service)} is ${state}`;
    },
    starter: async () => 'systemd',
  };
}
