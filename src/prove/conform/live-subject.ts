import { setTimeout as sleep } from 'node:timers/promises';
import { EntryStore } from '../../serve/exports/entry.js';
import { exportTarget } from '../../serve/exports/export.js';
import { endedAmong, signalProcesses } from '../../serve/exports/processes.js';
import { restartTargets } from '../../serve/exports/restart.js';
import type { Served } from '../../serve/exports/served.js';
import { unexportTargets } from '../../serve/exports/unexport.js';
import type { Link } from '../../wire/link/link.js';
import type { Ground } from './ground.js';
import type { Subject, SubjectExport } from './subject.js';
import { BIG, MAIN, READ_ONLY, type SubjectFiles } from './subject-files.js';

/** Milliseconds in which announcements that are under way arrive. */
const SETTLED = 300;

/** A target that is provided, exported on a private wire, and driven like any other export. */
export class LiveSubject implements Subject {
  readonly implementation: string;
  readonly release: string;
  readonly target: Subject['target'];
  readonly patience: number;
  readonly link: Link;
  readonly main = MAIN;
  readonly readOnly: SubjectExport | undefined;
  readonly big: SubjectExport | undefined;
  readonly announced: Buffer[] = [];
  readonly #ground: Ground;
  readonly #served: Served;
  readonly #files: SubjectFiles;
  /** Ids of exports with their processes; a module has none. */
  readonly #exports = new Map<string, number[]>();
  #mainId = '';
  /** Since the backing file had its known content. */
  #isWritten = false;

  private constructor(ground: Ground, served: Served, files: SubjectFiles, kernel: string) {
    this.#ground = ground;
    this.#served = served;
    this.#files = files;
    this.implementation = served.implementation;
    this.release = served.release;
    this.target = {
      place: ground.place,
      ...(ground.place === 'host' ? { host: ground.host.name } : {}),
      kernel,
    };
    this.patience = ground.patience;
    this.link = ground.link;
    this.readOnly = files.has(READ_ONLY) ? READ_ONLY : undefined;
    this.big = files.has(BIG) ? BIG : undefined;
  }

  /**
   * Exports the target on a ground that is up.
   * @throws LabError if it can't be exported
   */
  static async start(ground: Ground, served: Served, files: SubjectFiles): Promise<LiveSubject> {
    const { kernel } = await ground.host.facts();
    const subject = new LiveSubject(ground, served, files, kernel);
    ground.link.onFrame = (frame) => subject.announced.push(Buffer.from(frame));
    try {
      await subject.#make();
      return subject;
    } catch (error) {
      await subject.stop().catch(() => {});
      throw error;
    }
  }

  async stop(): Promise<void> {
    if (await this.#ground.isUp()) await this.#unexport();
  }

  async alive(): Promise<boolean> {
    return (await this.#ground.isUp()) && (await this.#dead()).length === 0;
  }

  async howItEnded(): Promise<string> {
    if (await this.#ground.isUp()) return 'its process ended';
    const last = (await this.#ground.trouble()).at(-1);
    return last === undefined ? 'its guest ended' : `its guest ended: ${last.split('\n', 1)[0]}`;
  }

  trouble(): Promise<string[]> {
    return this.#ground.trouble();
  }

  async kill(): Promise<void> {
    if (this.#ground.cutPower) return this.#ground.cutPower();
    const { host, folder } = await EntryStore.open(this.#ground.host);
    await signalProcesses(host, folder, this.#exports.get(this.#mainId) ?? [], 'KILL');
    while (await this.alive()) await sleep(5);
  }

  async revive(): Promise<void> {
    if (!(await this.#ground.isUp())) return this.#reboot();
    const ids = new Set([this.#mainId, ...(await this.#dead())]);
    await this.#orReboot(async () => {
      const { restarted } = await restartTargets(this.#ground.host, [...ids]);
      for (const { id, pids } of restarted) if (this.#exports.has(id)) this.#exports.set(id, pids);
    });
  }

  async renew(): Promise<void> {
    await this.#orReboot(async () => {
      await this.#unexport();
      await this.#make();
    });
  }

  async readBacking(of: SubjectExport, lba: number, count: number): Promise<Buffer> {
    await this.#ground.settle();
    return this.#files.of(of).read(lba, count);
  }

  async writeBacking(of: SubjectExport, lba: number, data: Buffer): Promise<void> {
    this.#isWritten = true;
    await this.#ground.settle();
    await this.#files.of(of).write(lba, data);
  }

  backingSize(of: SubjectExport): Promise<number> {
    return this.#files.of(of).size();
  }

  async resetBacking(isTouched = true): Promise<void> {
    if (this.#ground.isSlow && !isTouched && !this.#isWritten) return;
    this.#isWritten = false;
    await this.#ground.settle();
    await this.#files.of(MAIN).reset();
  }

  /** Ids of exports with a process that has ended. */
  async #dead(): Promise<string[]> {
    const all = new Set([...this.#exports.values()].flat());
    const ended = await endedAmong(this.#ground.host, [...all]);
    return [...this.#exports].flatMap(([id, pids]) => (pids.some((pid) => ended.includes(pid)) ? [id] : []));
  }

  async #make(): Promise<void> {
    await this.#export(MAIN);
    if (this.readOnly) await this.#export(this.readOnly, { readOnly: true });
    if (this.big) await this.#export(this.big);
    await sleep(SETTLED);
  }

  async #export(of: SubjectExport, options: { readOnly?: boolean } = {}): Promise<void> {
    const { host, iface, netns, trial } = this.#ground;
    const report = await exportTarget(host, this.#served, {
      ...of.address,
      iface,
      ...(netns === undefined ? {} : { netns }),
      ...(trial === undefined ? {} : { trial }),
      path: this.#ground.pathOf(this.#files.of(of).path),
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
      await unexportTargets(this.#ground.host, [...this.#exports.keys()], false, { keepLogs: false });
    this.#exports.clear();
  }

  /** A module that can't be unloaded any more is got rid of with its kernel. */
  async #orReboot(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (this.#ground.cutPower === undefined) throw error;
      await this.#ground.cutPower();
      await this.#reboot();
    }
  }

  async #reboot(): Promise<void> {
    this.#exports.clear();
    await this.#ground.start();
    await this.#make();
  }
}
