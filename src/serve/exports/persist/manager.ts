/** What keeps services on a host and starts them at boot. */

import type { Host } from '../../../hosts/host/host.js';
import { openrc } from './openrc.js';
import { scripts } from './scripts.js';
import type { ServiceManager } from './service-manager.js';
import { runsSystemd, systemd } from './systemd.js';

export async function serviceManager(host: Host): Promise<ServiceManager> {
  if (await runsSystemd(host)) return systemd(host);
  if ((await host.stat('/run/openrc'))?.kind === 'directory') return openrc(host);
  return scripts(host);
}
