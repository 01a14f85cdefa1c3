/** Hosts as a plan sees them, without any: exports are made and ended in memory, and what must never be is looked for. */

import type { Action, Create, Replace, Restart } from '../../../src/manage/lab/actions.js';
import type { Executor, Failure } from '../../../src/manage/lab/apply.js';
import type { Lab, LabExport } from '../../../src/manage/lab/lab.js';
import type { HostState } from '../../../src/manage/lab/plan.js';
import { exportId } from '../../../src/serve/exports/entry.js';
import type { ExportStatus } from '../../../src/serve/exports/status-report.js';

/** What `status` tells of an export that is as it should be. */
export function statusOf(lab: string | null, one: LabExport, more: Partial<ExportStatus> = {}): ExportStatus {
  const { address, iface, netns, file, implementation, release = '1', options } = one;
  return {
    id: exportId({ ...address, ...one }),
    implementation,
    release,
    ...address,
    iface,
    netns,
    file,
    resolved: file,
    size: one.size ?? 1 << 20,
    backingSize: one.size ?? 1 << 20,
    fileSize: one.size ?? 1 << 20,
    made: false,
    loop: one.loop ?? false,
    device: undefined,
    since: '2026-01-01T00:00:00.000Z',
    state: 'serving',
    pids: [1],
    wire: 'unchecked',
    unchecked: null,
    faults: [],
    warnings: [],
    remedy: null,
    next: null,
    mac: `02:00:00:00:00:${one.host.length.toString(16).padStart(2, '0')}`,
    lab: lab === null ? null : { name: lab, file },
    options,
    restart: one.restart ?? null,
    persist: one.persist ?? false,
    log: '',
    counters: null,
    datapath: null,
    path: null,
    access: null,
    rights: null,
    sectors: null,
    ...more,
  };
}

/** Ends a command as kill -9 does: nothing of it goes on. */
export class Killed extends Error {}

export class Model implements Executor {
  readonly hosts: Map<string, Map<string, ExportStatus>>;
  /** What was done, as `HOST ACTION ID`. */
  readonly carriedOut: string[] = [];
  readonly #lab: Lab;
  /** Executor until it is killed. */
  killAfter = Number.POSITIVE_INFINITY;
  #killed = false;

  constructor(lab: Lab, states: readonly HostState[]) {
    this.#lab = lab;
    this.hosts = new Map(
      states.flatMap((state) =>
        'exports' in state ? [[state.host, new Map(state.exports.map((one) => [one.id, one]))]] : [],
      ),
    );
  }

  states(): HostState[] {
    return [...this.hosts].map(([host, exports]) => ({ host, exports: [...exports.values()] }));
  }

  async provide(): Promise<Failure> {
    return undefined;
  }

  async end(host: string, actions: readonly Action[]): Promise<Failure[]> {
    return this.#each(host, 'end', actions, (at, { id }) => {
      const is = at.get(id);
      if (is === undefined) throw new Error(`${id} is not there`);
      if (is.lab?.name !== this.#lab.name) throw new Error(`${id} is not the lab's`);
      if (this.#dies()) at.set(id, { ...is, state: 'unfinished' });
      else at.delete(id);
    });
  }

  async restart(host: string, actions: readonly Restart[]): Promise<Failure[]> {
    return this.#each(host, 'restart', actions, (at, { id }) => {
      const is = at.get(id);
      if (is === undefined) throw new Error(`${id} is not there`);
      if (!this.#dies()) at.set(id, { ...is, state: 'serving', faults: [], remedy: null });
    });
  }

  async make(host: string, actions: readonly (Create | Replace)[]): Promise<Failure[]> {
    return this.#each(host, 'make', actions, (at, { id, export: one }) => {
      // As recover() does before anything is made.
      for (const [other, { state }] of at) if (state === 'unfinished') at.delete(other);
      if (at.has(id)) throw new Error(`${id} is taken`);
      const writer = [...at.values()].find(
        ({ file, options }) => file === one.file && !(options.readOnly && one.options.readOnly),
      );
      if (writer !== undefined) throw new Error(`${one.file} is exported as ${writer.id}`);
      at.set(id, statusOf(this.#lab.name, one, this.#dies() ? { state: 'unfinished' } : {}));
      this.#lookForTwins();
    });
  }

  async #each<T extends Action>(
    host: string,
    act: string,
    actions: readonly T[],
    carryOut: (at: Map<string, ExportStatus>, action: T) => void,
  ): Promise<Failure[]> {
    await Promise.resolve();
    const at = this.hosts.get(host);
    if (at === undefined) throw new Error(`${host} can not be reached`);
    return actions.map((action) => {
      if (this.#killed) return new Killed();
      this.carriedOut.push(`${host} ${act} ${action.id}`);
      try {
        carryOut(at, action);
        return this.#killed ? new Killed() : undefined;
      } catch (error) {
        return error as Error;
      }
    });
  }

  #dies(): boolean {
    this.#killed = --this.killAfter < 0;
    return this.#killed;
  }

  /** No address may be served twice on a segment, whatever the order of actions on different hosts. */
  #lookForTwins(): void {
    const served = new Map<string, string>();
    for (const [host, exports] of this.hosts) {
      for (const { id, shelf, slot, lab, state } of exports.values()) {
        if (lab?.name !== this.#lab.name || state === 'unfinished') continue;
        const address = `e${shelf}.${slot}`;
        const other = served.get(address);
        if (other !== undefined && other !== host) throw new Error(`${id} is served by ${other} and ${host}`);
        served.set(address, host);
      }
    }
  }
}
