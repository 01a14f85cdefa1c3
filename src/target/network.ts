/** The network side of a host, looked at once for all exports of a command: interfaces, targets of others, who answers. */
import type { Host } from '../host/host.js';
import { type InterfaceFacts, listInterfaces } from '../host/interface.js';
import type { ForeignTarget } from './foreign-target.js';
import { findForeignTargets } from './foreign-targets.js';
import { Wire } from './wire.js';

export class Network {
  readonly wire: Wire;
  readonly #host: Host;
  readonly #ours: () => Promise<Iterable<number[]>>;
  readonly #interfaces = new Map<string | undefined, Promise<InterfaceFacts[]>>();
  readonly #foreign = new Map<string | undefined, Promise<ForeignTarget[]>>();

  /** @param ours lists the processes that are ours */
  constructor(host: Host, ours: () => Promise<Iterable<number[]>>) {
    this.#host = host;
    this.#ours = ours;
    this.wire = new Wire(host, (netns) => this.interfaces(netns));
  }

  /** @throws as `listInterfaces` */
  interfaces(netns: string | undefined): Promise<InterfaceFacts[]> {
    return once(this.#interfaces, netns, () => listInterfaces(this.#host.inNamespace(netns)));
  }

  /** @throws CommandError if it can't be looked for them */
  foreign(netns: string | undefined): Promise<ForeignTarget[]> {
    return once(this.#foreign, netns, async () => {
      const ours = new Set([...(await this.#ours())].flat());
      // This process asks the wire meanwhile, and may be anybody's who calls these functions.
      if (this.#host.isHere) ours.add(process.pid);
      return findForeignTargets(this.#host, netns, ours);
    });
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
