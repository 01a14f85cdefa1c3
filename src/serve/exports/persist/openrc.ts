import { LabError } from '../../../base/errors.js';
import type { Host } from '../../../hosts/host/host.js';
import { lateFault, lateReason } from './late.js';
import type { ServiceManager } from './service-manager.js';

export const SCRIPT_FOLDER = '/etc/init.d';

const RUNLEVEL = 'default';

export function openrc(host: Host): ServiceManager {
  const stop = async (service: string): Promise<void> => {
    await host.run(['rc-service', '--ifexists', '--ifstarted', service, 'stop']);
  };
  const enableArgvs = async (services: readonly string[]): Promise<string[][]> => {
    const enabled = await host.list(`/etc/runlevels/${RUNLEVEL}`);
    return services
      .filter((service) => !enabled.includes(service))
      .map((service) => ['rc-update', 'add', service, RUNLEVEL]);
  };
  const retire = async (services: readonly string[]): Promise<void> => {
    for (const service of services) {
      if (await isEnabled(host, service)) await host.run(['rc-update', 'del', service, RUNLEVEL]);
    }
  };
  return {
    kind: 'openrc',
    startArgv: (service) => ['rc-service', service, 'start'],
    start: async (service, state) => {
      await host.run(['rc-service', service, 'start']);
      const reason = await lateReason(host, state, service);
      if (reason === undefined) return;
      // It would be tried again as at a boot.
      await stop(service);
      throw new LabError({ tried: `starting the service ${service} on ${host.name}`, happened: reason });
    },
    stop,
    enableArgvs,
    enable: async (services) => {
      for (const argv of await enableArgvs(services)) await host.run(argv);
    },
    retire,
    disable: async (services) => {
      for (const service of services) {
        await stop(service);
        await retire([service]);
      }
    },
    forget: async () => {},
    fault: async (service, state) => {
      if ((await host.stat(`${SCRIPT_FOLDER}/${service}`)) === undefined) {
        return `the service ${service} is missing`;
      }
      if (!(await isEnabled(host, service)))
        return `the service ${service} is not in the runlevel ${RUNLEVEL}`;
      // 3: it was stopped, 32: it has crashed; others say that it has not started (rc-service(8)).
      const { exitCode } = await host.run(['rc-service', service, 'status'], {
        accept: [1, 3, 4, 8, 16, 32, 64],
      });
      return exitCode === 0 ? lateFault(host, state, service) : `the service ${service} does not run`;
    },
    starter: async () => `OpenRC (runlevel ${RUNLEVEL})`,
  };
}

/** A link in the runlevel's folder, which may lead nowhere. */
async function isEnabled(host: Host, service: string): Promise<boolean> {
  return (await host.list(`/etc/runlevels/${RUNLEVEL}`)).includes(service);
}
