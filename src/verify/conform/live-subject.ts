import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatAddress } from '../../aoe/index.js';
import type { Host } from '../../host/host.js';
import type { Wire } from '../../host/namespace.js';
import type { Link } from '../../link/link.js';
import { openPacketLink } from '../../link/packet.js';
import { exportTarget } from '../../target/export.js';
import type { Served } from '../../target/plan.js';
import { signalProcesses } from '../../target/processes.js';
import { restartTargets } from '../../target/restart.js';
import { unexportTargets } from '../../target/unexport.js';
import { Backing } from './backing.js';
import type { Subject, SubjectExport } from './subject.js';

const MAIN = { address: { shelf: 7, slot: 3 }, sectors: 4096 };
const READ_ONLY = { address: { shelf: 7, slot: 4 }, sectors: 1024 };
/** 192 GiB and some sectors, sparse. */
const BIG = { address: { shelf: 9, slot: 3 }, sectors: 192 * 2 ** 21 + 24 };

/** Milliseconds in which announcements that are under way arrive. */
const SETTLED = 300;

/** A target that is provided, exported on a private wire, and driven like any other export. */
export class LiveSubject implements Subject {
  readonly implementation: string;
  readonly release: string;
  readonly link: Link;
  readonly main = MAIN;
  readOnly: SubjectExport | undefined;
  big: SubjectExport | undefined;
  readonly announced: Buffer[];
  readonly #host: Host;
  readonly #served: Served;
  readonly #wire: Wire;
  readonly #folder: string;
  readonly #backing = new Map<SubjectExport, Backing>();
  /** Ids of exports with their processes. */
  readonly #exports = new Map<string, number[]>();
  #mainId = '';

  private constructor(
    host: Host,
    served: Served,
    wire: Wire,
    folder: string,
    link: Link,
    announced: Buffer[],
  ) {
    this.#host = host;
    this.#served = served;
    this.#wire = wire;
    this.#folder = folder;
    this.implementation = served.implementation;
    this.release = served.release;
    this.link = link;
    this.announced = announced;
  }

  /**
   * Exports the target on a wire.
   * @param folder for the backing files
   * @throws LabError if it can't be exported
   */
  static async start(host: Host, served: Served, wire: Wire, folder: string): Promise<LiveSubject> {
    const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns });
    const announced: Buffer[] = [];
    link.onFrame = (frame) => announced.push(Buffer.from(frame));
    const subject = new LiveSubject(host, served, wire, folder, link, announced);
    try {
      await subject.#make();
      return subject;
    } catch (error) {
      await subject.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.link.close();
    await this.#unexport();
    for (const backing of this.#backing.values()) await backing.close();
    this.#backing.clear();
  }

  async alive(): Promise<boolean> {
    return (await this.#dead()).length === 0;
  }

  async kill(): Promise<void> {
    await signalProcesses(this.#host, this.#exports.get(this.#mainId) ?? [], 'KILL');
    while (await this.alive()) await sleep(5);
  }

  async revive(): Promise<void> {
    const ids = new Set([this.#mainId, ...(await this.#dead())]);
    const { restarted } = await restartTargets(this.#host, [...ids]);
    for (const { id, pids } of restarted) if (this.#exports.has(id)) this.#exports.set(id, pids);
  }

  async renew(): Promise<void> {
    await this.#unexport();
    await this.#make();
  }

  readBacking(of: SubjectExport, lba: number, count: number): Promise<Buffer> {
    return this.#file(of).read(lba, count);
  }

  writeBacking(of: SubjectExport, lba: number, data: Buffer): Promise<void> {
    return this.#file(of).write(lba, data);
  }

  backingSize(of: SubjectExport): Promise<number> {
    return this.#file(of).size();
  }

  resetBacking(): Promise<void> {
    return this.#file(this.main).reset();
  }

  /** Ids of exports with a process that has ended. */
  async #dead(): Promise<string[]> {
    const dead: string[] = [];
    for (const [id, pids] of this.#exports) {
      for (const pid of pids) {
        const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
        // Behind the name in parentheses: the state; Z and X have ended.
        if (stat === undefined || /\) [ZX] /.test(stat)) dead.push(id);
      }
    }
    return dead;
  }

  async #make(): Promise<void> {
    await this.#export(MAIN);
    if (this.#served.control.options.readOnly !== undefined) {
      await this.#export(READ_ONLY, { readOnly: true });
      this.readOnly = READ_ONLY;
    }
    if (await this.#export(BIG)) this.big = BIG;
    await sleep(SETTLED);
  }

  /** @returns false if there can be no such file here */
  async #export(of: SubjectExport, options: { readOnly?: boolean } = {}): Promise<boolean> {
    if (!this.#backing.has(of)) {
      const sparse = of === BIG;
      const path = join(this.#folder, formatAddress(of.address));
      const backing = await Backing.make(path, of.sectors, !sparse).catch((error: Error) => {
        if (sparse) return undefined;
        throw error;
      });
      if (backing === undefined) return false;
      this.#backing.set(of, backing);
    }
    const { netns, target } = this.#wire;
    const report = await exportTarget(this.#host, this.#served, {
      ...of.address,
      iface: target,
      ...(netns === undefined ? {} : { netns }),
      path: this.#file(of).path,
      options,
    });
    // A daemon that serves several starts one process for all; one a process has its own.
    this.#exports.set(report.id, report.pids);
    if (of === MAIN) this.#mainId = report.id;
    return true;
  }

  async #unexport(): Promise<void> {
    if (this.#exports.size > 0) await unexportTargets(this.#host, [...this.#exports.keys()], false);
    this.#exports.clear();
  }

  #file(of: SubjectExport): Backing {
    const backing = this.#backing.get(of);
    if (backing === undefined) throw new TypeError(`${formatAddress(of.address)} was not exported`);
    return backing;
  }
}
