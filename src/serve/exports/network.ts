/** The network side of a host, looked at once for all exports of a command: interfaces, targets of others, who answers. */
import type { Host } from '../../hosts/host/host.js';
import { listInterfaces } from '../../hosts/host/interface.js';
import type { InterfaceFacts } from '../../hosts/host/interface-facts.js';
import type { ForeignTarget } from './foreign-target.js';
import { findForeignTargets } from './foreign-targets.js';
import { Wire } from './wire.js';

/** The interfaces of each network namespace, looked at once. */
export class InterfaceLists {
  readonly #host: Host;
  readonly #known = new Map<string | undefined, Promise<InterfaceFacts[]>>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** @throws as `listInterfaces` */
  of(netns: string | undefined): Promise<InterfaceFacts[]> {
    return once(this.#known, netns, () => listInterfaces(this.#host.inNamespace(netns)));
  }
}

export class Network {
  readonly wire: Wire;
  readonly #host: Host;
  readonly #ours: () => Promise<Iterable<number[]>>;
  readonly #known: Iterable<number>;
  readonly #lists: InterfaceLists;
  readonly #foreign = new Map<string | undefined, Promise<ForeignTarget[]>>();

  /**
   * @param ours lists the processes that are ours; asked where others than those known have sockets
   * @param known some of them @param lists interfaces, where they have been looked at
   */
  constructor(
    host: Host,
    ours: () => Promise<Iterable<number[]>>,
    {
      known = [],
      lists = new InterfaceLists(host),
    }: { known?: Iterable<number>; lists?: InterfaceLists } = {},
  ) {
    this.#host = host;
    this.#ours = ours;
    this.#lists = lists;
    // This process asks the wire meanwhile, and may be anybody's who calls these functions.
    this.#known = host.isHere ? [...known, process.pid] : known;
    this.wire = new Wire(host, (netns) => this.interfaces(netns));
  }

  /** @throws as `listInterfaces` */
  interfaces(netns: string | undefined): Promise<InterfaceFacts[]> {
    return this.#lists.of(netns);
  }

  /** @throws CommandError if it can't be looked for them */
  foreign(netns: string | undefined): Promise<ForeignTarget[]> {
    const ours = [async () => this.#known, async () => [...(await this.#ours())].flat()];
    return once(this.#foreign, netns, () => findForeignTargets(this.#host, netns, ours));
  }

  close(): Promise<void> {
    return this.wire.close();
  }
}

function once<T>(
  known: Map<string | undefined, Promise<T>>,
  key: string | undefined,
  look: () => Promise<T>,
): Promise<T> {
  const promise = known.get(key) ?? look();
  known.set(key, promise);
  return promise;
}
