/** What services of persistent exports are called, and where their parts lie. No I/O. */
import { posix } from 'node:path';
import { digestOf } from '../../../base/digest.js';
import { type ExportEntry, exportId, type StateFolder } from '../entry.js';

/** root's, on every host. */
const USUAL = '/var/lib/aoe-lab';

/** What all services of a state folder begin with; two folders on one host do not meet. */
function prefix({ folder }: StateFolder): string {
  return folder === USUAL ? 'aoe-lab' : `aoe-lab-${digestOf(folder).slice(0, 8)}`;
}

/** Letters, digits, dots and dashes, which every service manager takes; `@` would make a systemd unit an instance. */
export function plain(name: string): string {
  return name
    .replace('@', '-')
    .replaceAll(/[^A-Za-z0-9.-]/g, (char) => `_${Buffer.from(char).toString('hex')}`);
}

/** @param what the id of an export, or the name of a daemon */
export function serviceName(state: StateFolder, what: string): string {
  return `${prefix(state)}-${plain(what)}`;
}

export function loopServiceName(state: StateFolder, entry: ExportEntry): string {
  return `${prefix(state)}-loop-${plain(exportId(entry))}`;
}

/** Of an interface, for all exports on it. */
export function linkServiceName(state: StateFolder, iface: string): string {
  return `${prefix(state)}-link-${plain(iface)}`;
}

/** The one that brings all others back where a host knows services only as scripts. */
export function bootServiceName(state: StateFolder): string {
  return prefix(state);
}

export function scriptPath(state: StateFolder, service: string): string {
  return posix.join(state.persistFolder(), `${service}.sh`);
}

/** Boot id, then the loop devices that somebody else had on the file before, a line each. */
export function loopRecord(state: StateFolder, entry: ExportEntry): string {
  return posix.join(state.persistFolder(), `${loopServiceName(state, entry)}.boot`);
}

/** A symbolic link to the loop device of a persistent export; gone after a reboot, as /run is. */
export function loopLink(state: StateFolder, entry: ExportEntry): string {
  return posix.join('/run', prefix(state), plain(exportId(entry)));
}

/** There while something that a boot could not start is tried again: why it could not. */
export function lateFile(state: StateFolder, service: string): string {
  return posix.join('/run', prefix(state), `${service}.late`);
}
