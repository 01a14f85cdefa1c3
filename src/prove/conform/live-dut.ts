import { setTimeout as sleep } from 'node:timers/promises';
import { pollUntilTrue } from '../../base/poll.js';
import { EntryStore } from '../../serve/exports/entry.js';
import { exportTarget } from '../../serve/exports/export.js';
import { endedAmong, signalProcesses } from '../../serve/exports/processes.js';
import { restartTargets } from '../../serve/exports/restart.js';
import type { Served } from '../../serve/exports/served.js';
import { unexportTargets } from '../../serve/exports/unexport.js';
import type { Link } from '../../wire/link/link.js';
import type { Dut, DutExport } from './dut.js';
import { BIG, type DutFiles, MAIN, READ_ONLY } from './dut-files.js';
import type { Environment } from './environment.js';
import { CaseFault } from './fault.js';

/** Milliseconds in which announcements that are under way arrive. */
const SETTLED = 300;

/** A target that is provided, exported on a private wire, and driven like any other export. */
export class LiveDut implements Dut {
  readonly implementation: string;
  readonly release: string;
  readonly target: Dut['target'];
  readonly patience: number;
  readonly link: Link;
  readonly main = MAIN;
  readonly readOnly: DutExport | undefined;
  readonly big: DutExport | undefined;
  readonly announced: Buffer[] = [];
  readonly #environment: Environment;
  readonly #served: Served;
  readonly #files: DutFiles;
  /** Ids of exports with their processes; a module has none. */
  readonly #exports = new Map<string, number[]>();
  #mainId = '';
  /** Since the backing file had its known content. */
  #isWritten = false;

  private constructor(environment: Environment, served: Served, files: DutFiles, kernel: string) {
    this.#environment = environment;
    this.#served = served;
    this.#files = files;
    this.implementation = served.implementation;
    this.release = served.release;
    this.target = {
      place: environment.place,
      ...(environment.place === 'host' ? { host: environment.host.name } : {}),
      kernel,
    };
    this.patience = environment.patience;
    this.link = environment.link;
    this.readOnly = files.has(READ_ONLY) ? READ_ONLY : undefined;
    this.big = files.has(BIG) ? BIG : undefined;
  }

  /**
   * Exports the target in an environment that is up.
   * @throws LabError if it can't be exported
   */
  static async start(environment: Environment, served: Served, files: DutFiles): Promise<LiveDut> {
    const { kernel } = await environment.host.facts();
    const dut = new LiveDut(environment, served, files, kernel);
    environment.link.onFrame = (frame) => dut.announced.push(Buffer.from(frame));
    try {
      await dut.#make();
      return dut;
    } catch (error) {
      await dut.stop().catch(() => {});
      throw error;
    }
  }

  async stop(): Promise<void> {
    if (await this.#environment.isUp()) await this.#unexport();
  }

  async alive(): Promise<boolean> {
    return (await this.#environment.isUp()) && (await this.#dead()).length === 0;
  }

  async howItEnded(): Promise<string> {
    if (await this.#environment.isUp()) return 'its process ended';
    const last = (await this.#environment.trouble()).at(-1);
    return last === undefined ? 'its guest ended' : `its guest ended: ${last.split('\n', 1)[0]}`;
  }

  trouble(): Promise<string[]> {
    return this.#environment.trouble();
  }

  async kill(): Promise<void> {
    if (this.#environment.cutPower) return this.#environment.cutPower();
    const { host, folder } = await EntryStore.open(this.#environment.host);
    await signalProcesses(host, folder, this.#exports.get(this.#mainId) ?? [], 'KILL');
    const isEnded = async () => !(await this.alive());
    if (await pollUntilTrue(isEnded, { every: 5, patience: this.patience })) return;
    throw new CaseFault(`its process is still there ${this.patience / 1000} s after KILL`);
  }

  async revive(): Promise<void> {
    if (!(await this.#environment.isUp())) return this.#reboot();
    const ids = new Set([this.#mainId, ...(await this.#dead())]);
    await this.#orReboot(async () => {
      const { restarted } = await restartTargets(this.#environment.host, [...ids]);
      for (const { id, pids } of restarted) if (this.#exports.has(id)) this.#exports.set(id, pids);
    });
  }

  async renew(): Promise<void> {
    await this.#orReboot(async () => {
      await this.#unexport();
      await this.#make();
    });
  }

  async readBacking(of: DutExport, lba: number, count: number): Promise<Buffer> {
    await this.#environment.sync();
    return this.#files.of(of).read(lba, count);
  }

  async writeBacking(of: DutExport, lba: number, data: Buffer): Promise<void> {
    this.#isWritten = true;
    await this.#environment.sync();
    await this.#files.of(of).write(lba, data);
  }

  backingSize(of: DutExport): Promise<number> {
    return this.#files.of(of).size();
  }

  async resetBacking(isTouched = true): Promise<void> {
    if (this.#environment.isSlow && !isTouched && !this.#isWritten) return;
    this.#isWritten = false;
    await this.#environment.sync();
    await this.#files.of(MAIN).reset();
  }

  /** Ids of exports with a process that has ended. */
  async #dead(): Promise<string[]> {
    const all = new Set([...this.#exports.values()].flat());
    const ended = await endedAmong(this.#environment.host, [...all]);
    return [...this.#exports].flatMap(([id, pids]) => (pids.some((pid) => ended.includes(pid)) ? [id] : []));
  }

  async #make(): Promise<void> {
    await this.#export(MAIN);
    if (this.readOnly) await this.#export(this.readOnly, { readOnly: true });
    if (this.big) await this.#export(this.big);
    await sleep(SETTLED);
  }

  async #export(of: DutExport, options: { readOnly?: boolean } = {}): Promise<void> {
    const { host, iface, netns, trial } = this.#environment;
    const report = await exportTarget(host, this.#served, {
      ...of.address,
      iface,
      ...(netns === undefined ? {} : { netns }),
      ...(trial === undefined ? {} : { trial }),
      keepLog: false,
      path: this.#environment.pathOf(this.#files.of(of).path),
      options,
      // A guest of our own has nothing to ask by, and nobody else in it.
      allow: ['unasked'],
    });
    // A daemon that serves several starts one process for all; one a process has its own.
    this.#exports.set(report.id, report.pids);
    if (of === MAIN) this.#mainId = report.id;
  }

  async #unexport(): Promise<void> {
    if (this.#exports.size > 0)
      await unexportTargets(this.#environment.host, [...this.#exports.keys()], false);
    this.#exports.clear();
  }

  /** A module that can't be unloaded any more is got rid of with its kernel. */
  async #orReboot(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (this.#environment.cutPower === undefined) throw error;
      await this.#environment.cutPower();
      await this.#reboot();
    }
  }

  async #reboot(): Promise<void> {
    this.#exports.clear();
    await this.#environment.start();
    await this.#make();
  }
}
