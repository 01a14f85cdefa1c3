/** Services that a boot could not start, which their scripts try again until it works. */
import type { Host } from '../../../hosts/host/host.js';
import { readIfThere } from '../../../hosts/host/if-there.js';
import type { StateFolder } from '../entry.js';
import { lateFile } from './names.js';

/** Why a service could not be started yet; undefined where none is waited for. */
export async function lateReason(
  host: Host,
  state: StateFolder,
  service: string,
): Promise<string | undefined> {
  return (await readIfThere(host, lateFile(state, service)))?.toString().trim();
}

export async function lateFault(
  host: Host,
  state: StateFolder,
  service: string,
): Promise<string | undefined> {
  const reason = await lateReason(host, state, service);
  return reason === undefined ? undefined : `${service} is tried again until it works: ${reason}`;
}
