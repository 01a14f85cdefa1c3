import { CommandError } from '../host/command-error.js';
import type { Host } from '../host/host.js';
import { type InterfaceFacts, listInterfaces } from '../host/interface.js';
import type { DaemonStatus } from '../native/status-file.js';
import type { ExportEntry } from './entry.js';

/** What several exports of a host have in common, looked at once. */
export class Sight {
  readonly #host: Host;
  readonly #interfaces = new Map<string | undefined, Promise<InterfaceFacts[]>>();
  readonly #told = new Map<string, Promise<DaemonStatus | undefined>>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** The interface of an export; undefined if it is gone, or its namespace and all in it. */
  async interfaceOf({ netns, iface }: ExportEntry): Promise<InterfaceFacts | undefined> {
    const known = this.#interfaces.get(netns);
    const all = known ?? interfacesIfThere(this.#host.inNamespace(netns));
    this.#interfaces.set(netns, all);
    return (await all).find(({ name }) => name === iface);
  }

  /** What a daemon that writes a status file into its folder tells of an export. */
  async toldBy(
    folder: string,
    { control, shelf, slot, iface }: ExportEntry,
  ): Promise<{ told?: DaemonStatus['exports'][number] | undefined; waits?: string | undefined }> {
    if (control.shape !== 'daemon') return {};
    const known = this.#told.get(folder);
    const status = known ?? this.#readStatus(folder);
    this.#told.set(folder, status);
    const isIt = (one: { shelf: number; slot: number; iface: string }): boolean =>
      one.shelf === shelf && one.slot === slot && one.iface === iface;
    const { exports, waiting } = (await status) ?? { exports: [], waiting: [] };
    return { told: exports.find(isIt), waits: waiting.find(isIt)?.why };
  }

  async #readStatus(folder: string): Promise<DaemonStatus | undefined> {
    try {
      return JSON.parse((await this.#host.read(`${folder}/status.json`)).toString()) as DaemonStatus;
    } catch {
      // Most daemons write none.
      return undefined;
    }
  }
}

/** None where the namespace is gone; that they can't be listed is no such answer. */
async function interfacesIfThere(host: Host): Promise<InterfaceFacts[]> {
  try {
    return await listInterfaces(host);
  } catch (error) {
    if (error instanceof CommandError && /network namespace/.test(error.stderr)) return [];
    throw error;
  }
}
