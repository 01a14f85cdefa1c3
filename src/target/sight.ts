import type { Host } from '../host/host.js';
import { type InterfaceFacts, listInterfaces } from '../host/interface.js';
import type { DaemonStatus } from '../native/status-file.js';
import type { ExportEntry } from './entry.js';

/** What several exports of a host have in common, looked at once. */
export class Sight {
  readonly #host: Host;
  readonly #interfaces = new Map<string | undefined, Promise<InterfaceFacts[]>>();
  readonly #told = new Map<string, Promise<DaemonStatus | undefined>>();

  readonly #there = new Map<string, Promise<boolean>>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** The interface of an export; undefined if it is gone, or its namespace and all in it. */
  async interfaceOf({ netns, iface }: ExportEntry): Promise<InterfaceFacts | undefined> {
    const known = this.#interfaces.get(netns);
    const all = known ?? listInterfaces(this.#host.inNamespace(netns)).catch(() => []);
    this.#interfaces.set(netns, all);
    return (await all).find(({ name }) => name === iface);
  }

  isThere(path: string): Promise<boolean> {
    const known = this.#there.get(path) ?? this.#host.stat(path).then((facts) => facts !== undefined);
    this.#there.set(path, known);
    return known;
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
