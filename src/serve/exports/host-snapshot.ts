import { type NetworkFiles, surveyNetworkFiles } from '../../hosts/at-boot/survey.js';
import type { Host } from '../../hosts/host/host.js';
import { isGone } from '../../hosts/host/interface.js';
import { findInterface } from '../../hosts/host/interface-choice.js';
import type { InterfaceFacts } from '../../hosts/host/interface-facts.js';
import type { DaemonStatus } from '../../wire/native/status-file.js';
import { daemonStatus, daemonStatusPath, isAt } from './daemon-status.js';
import type { ExportEntry } from './entry.js';
import { type InterfaceFault, interfaceFaults } from './interface-faults.js';
import type { Network } from './network.js';
import { macsBeside } from './rivals.js';
import type { WirePlace, WireReport } from './wire.js';

type Told = Pick<DaemonStatus, 'exports' | 'waiting'> & { untold?: string };

const NOTHING_TOLD: Told = { exports: [], waiting: [] };

/** What several exports of a host have in common, looked at once. */
export class HostSnapshot {
  readonly #host: Host;
  readonly #network: Network;
  readonly #entries: readonly ExportEntry[];
  readonly #told = new Map<string, Promise<Told | undefined>>();

  #networkFiles: Promise<NetworkFiles> | undefined;

  constructor(host: Host, network: Network, entries: readonly ExportEntry[]) {
    this.#host = host;
    this.#network = network;
    this.#entries = entries;
  }

  /** The interface of an export; undefined if it is gone, or its namespace and all in it, or it can't be looked at (`place` says so). */
  async interfaceOf({ netns, iface }: ExportEntry): Promise<InterfaceFacts | undefined> {
    return findInterface(await this.#network.interfaces(netns).catch(() => []), iface);
  }

  /**
   * Where an export is served: what is wrong with its interface, and what the wire says.
   * @param pids of the processes that serve it @param isAsked whether it is there to answer
   */
  async place(
    entry: ExportEntry & Pick<WirePlace, 'masks'>,
    pids: readonly number[],
    isAsked: boolean,
  ): Promise<{ wire: WireReport; faults: InterfaceFault[] }> {
    const iface = await this.interfaceOf(entry);
    const [interfaces, foreign, beside, wire] = await Promise.all([
      this.#network
        .interfaces(entry.netns)
        .catch((error: Error) =>
          isGone(entry.netns, error) ? ('gone' as const) : { reason: error.message },
        ),
      this.#network.foreign(entry.netns).catch((error: Error) => error),
      macsBeside(this.#entries, this.#network, entry).catch((error: Error) => error),
      iface?.up && isAsked ? this.#network.wire.ask(entry, iface) : NOT_ASKED,
    ]);
    if (beside instanceof Error) {
      const unchecked = `the other interfaces that serve it can't be looked at: ${beside.message}`;
      const silent = { ...NOT_ASKED, unchecked };
      const others = foreign instanceof Error ? [] : foreign;
      const snapshot = { entry, interfaces, pids, wire: silent, beside: new Set<string>(), foreign: others };
      return { wire: silent, faults: interfaceFaults(snapshot) };
    }
    if (interfaces === 'gone') {
      const unchecked = 'its network namespace is gone';
      const none = { entry, interfaces, pids, wire: NOT_ASKED, beside, foreign: [] };
      return { wire: { ...NOT_ASKED, unchecked }, faults: interfaceFaults(none) };
    }
    const snapshot = { entry, interfaces, pids, wire, beside };
    if (foreign instanceof Error) {
      const unchecked = `targets of others on this host were not found out: ${foreign.message}`;
      return { wire: { ...wire, unchecked }, faults: interfaceFaults({ ...snapshot, foreign: [] }) };
    }
    return { wire, faults: interfaceFaults({ ...snapshot, foreign }) };
  }

  networkFiles(): Promise<NetworkFiles> {
    this.#networkFiles ??= surveyNetworkFiles(this.#host);
    return this.#networkFiles;
  }

  /** What a daemon that writes a status file into its folder tells of an export. @param pids of the daemon */
  async toldBy(
    folder: string,
    entry: ExportEntry,
    pids: readonly number[],
  ): Promise<{
    told?: DaemonStatus['exports'][number] | undefined;
    waits?: string | undefined;
    /** Why nothing can be known of it. */
    untold?: string;
  }> {
    if (entry.control.shape !== 'daemon') return {};
    const known = this.#told.get(folder);
    const status = known ?? this.#readStatus(folder, pids);
    this.#told.set(folder, status);
    const isIt = isAt(entry);
    const { exports, waiting, untold } = (await status) ?? NOTHING_TOLD;
    if (untold !== undefined) return { untold };
    return { told: exports.find(isIt), waits: waiting.find(isIt)?.why };
  }

  /** Most daemons write none. */
  async #readStatus(folder: string, pids: readonly number[]): Promise<Told | undefined> {
    const path = daemonStatusPath(folder);
    try {
      return await daemonStatus(this.#host, folder, pids);
    } catch (error) {
      return { ...NOTHING_TOLD, untold: `${path} can't be read: ${(error as Error).message}` };
    }
  }
}

const NOT_ASKED: WireReport = { answer: 'unchecked', unchecked: null, isAsked: false, stations: [] };
