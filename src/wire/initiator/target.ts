import { LabError } from '../../base/errors.js';
import {
  type Address,
  type Ata,
  AtaCommand,
  AtaError,
  AtaFlag,
  Command,
  ConfigCommand,
  decodeIdentify,
  ETHERNET_HEADER,
  type Frame,
  formatAddress,
  formatMac,
  type Identify,
  identifiedSectors,
  type Mac,
  SECTOR,
} from '../aoe/index.js';
import type { Link } from '../link/link.js';
import { Access } from './access.js';
import { type TargetConfig, targetConfig } from './config.js';
import { describeIdentity, isSameIdentity } from './disks.js';
import { AtaAnswerError, ForeignDeviceError, NoAnswerError } from './faults.js';
import { sectorsThatPass } from './frames.js';
import { IDENTIFY } from './identity-question.js';
import { Lane, type Path, type PathReport } from './lane.js';
import { Pipeline } from './pipeline.js';
import { Requests } from './requests.js';
import { Revival } from './revival.js';
import { fittingSectors, HEADERS } from './sectors.js';
import type { StrayReport } from './strays.js';
import { type Direction, transfer } from './transfer.js';
import { whoAnswers } from './who-answers.js';
import type { Extent, Work } from './work.js';

export interface TargetOptions {
  /** Most requests under way; never more than the target's buffer count. */
  window?: number | undefined;
  /** Milliseconds until a request that is not answered is given up; default 15,000. */
  timeout?: number | undefined;
  /** Milliseconds after which a path on which nothing is heard is left, if there is another; default 1,000. */
  silence?: number | undefined;
  /** Milliseconds until a path that was left is tried again; doubled as long as it fails; default 1,000. */
  retry?: number | undefined;
  /** Told in words what changed on the way to the target, each once: it moved, large frames do not pass. */
  onNote?: ((text: string) => void) | undefined;
}

const DEFAULT_TIMEOUT = 15_000;
const DEFAULT_SILENCE = 1000;
const DEFAULT_RETRY = 1000;
/** Milliseconds for a configuration that is asked for anew. */
const CONFIG_WAIT = 200;
/** A path that was held more often without an answer has another fault than the size of its frames. */
const MOST_TRIALS = 3;
/** A test of the config string that does not match is not answered. */
const CONFIG_TEST_TIMEOUT = 1000;

/** A session with one target. Requests go out in the order of the calls, several at a time. */
export class Target {
  readonly address: Address;
  readonly config: TargetConfig;
  /** Most requests under way. */
  readonly window: number;
  /** Its MAC mask list and reservation. */
  readonly access: Access;
  readonly #name: string;
  readonly #requests: Requests;
  readonly #pipeline: Pipeline;
  readonly #lanes: readonly Lane[];
  readonly #revival: Revival;
  readonly #onNote: (text: string) => void;
  #identity: Identify | undefined;
  #sectorsPerFrame: number;

  /**
   * @param others further paths to it: those on which its address is known are used, the others tried by `seekPaths`
   * @param identity what it is, if it has been asked
   * @throws LabError if a link's MTU is too small for a sector
   */
  constructor(
    link: Link,
    address: Address,
    mac: Mac,
    config: TargetConfig,
    options: TargetOptions = {},
    others: readonly Path[] = [],
    identity?: Identify,
  ) {
    this.address = address;
    this.#identity = identity;
    this.#onNote = options.onNote ?? (() => {});
    this.config = config;
    this.#name = formatAddress(address);
    const links = [link, ...others.map((path) => path.link)];
    const fits = links.map((each) => sectorsThatFit(each, this.#name, config));
    this.#sectorsPerFrame = Math.min(...fits);
    this.window = Math.max(1, Math.min(config.bufferCount, options.window ?? config.bufferCount));
    this.#requests = new Requests(link.mac, mac, address);
    const mtu = Math.min(...links.map((each) => each.mtu));
    this.access = new Access(this.#name, this.#requests, mtu, (work, pick) => this.#ask(work, pick));
    const frameLength = Math.max(...links.map(({ mtu }) => mtu)) + ETHERNET_HEADER;
    const retry = options.retry ?? DEFAULT_RETRY;
    this.#lanes = links.map((each, index) => {
      const path = { link: each, mac: index === 0 ? mac : others[index - 1]?.mac };
      return new Lane(path, address, this.window, frameLength, retry);
    });
    this.#pipeline = new Pipeline(this.#lanes, address, {
      most: this.window,
      timeout: options.timeout ?? DEFAULT_TIMEOUT,
      silence: options.silence ?? DEFAULT_SILENCE,
      onLeft: (lane) => this.#revival.later(lane),
      onHeld: (lane) => this.#revival.regain(lane),
      sectorsNow: (lane) => this.#sectorsNow(lane),
    });
    this.#revival = new Revival(address, {
      expected: () => this.#identity,
      isWanted: () => this.#pipeline.isBusy,
      onUsed: () => this.#pipeline.pump(),
      onFound: (lane, found) => this.#goOn(lane, found),
    });
  }

  /** Where it is, on the first path. */
  get mac(): Mac {
    return this.#lanes[0]?.mac as Mac;
  }

  /** Sectors in a frame, as the target and the links allow, and what is between them as far as that has shown. */
  get sectorsPerFrame(): number {
    return this.#sectorsPerFrame;
  }

  /** Answers for addresses that were asked on its links which fit no request. */
  get strays(): StrayReport {
    const reports = [...new Set(this.#lanes.map(({ initiator }) => initiator.strays))];
    return {
      answers: reports.reduce((sum, { answers }) => sum + answers, 0),
      stations: [...new Set(reports.flatMap(({ stations }) => stations))],
    };
  }

  /** How its paths fare. */
  get paths(): PathReport[] {
    return this.#lanes.map(({ report }) => report);
  }

  /** Tries the paths on which it has not answered, again and again. */
  seekPaths(): void {
    for (const lane of this.#lanes) {
      if (lane.isUsed) continue;
      lane.trouble = lane.link.trouble ?? `${this.#name} did not answer`;
      this.#revival.later(lane);
    }
  }

  /**
   * Asks what the device is.
   * @throws LabError if it is not answered, refused, or answered with less than a sector
   */
  async identify(timeout?: number): Promise<Identify> {
    const tried = `identifying ${this.#name}`;
    this.#identity = await this.#ask(
      { tried, command: Command.ata, timeout, write: (into) => this.#requests.ata(into, IDENTIFY) },
      (frame) => {
        const identity = frame.kind === 'ata' ? decodeIdentify(frame.data) : undefined;
        if (identity) return identity;
        throw new LabError({
          tried,
          happened: `${this.#name} answered without the 512 bytes of its identity`,
        });
      },
    );
    return this.#identity;
  }

  /**
   * Asks whether the disk is still the one that it was.
   * @throws ForeignDeviceError if it is another one
   */
  async confirm(): Promise<void> {
    const before = this.#identity;
    const now = await this.identify();
    if (before === undefined || isSameIdentity(before, now)) return;
    this.#identity = before;
    throw new ForeignDeviceError({
      tried: `asking whether ${this.#name} is still the same disk`,
      happened: `it is ${describeIdentity(now)} now, and was ${describeIdentity(before)}: what was read or written meanwhile may be of either`,
      next: 'find out what took its place, and copy again from the beginning',
    });
  }

  /** Sectors of the device. */
  async sectors(): Promise<number> {
    return identifiedSectors(this.#identity ?? (await this.identify()));
  }

  /**
   * Reads sectors.
   * @param into memory of count × 512 bytes. Default: new memory
   * @throws LabError if the range is not within the device, or a part of it could not be read
   */
  async read(lba: number, count: number, into = Buffer.allocUnsafe(count * SECTOR)): Promise<Buffer> {
    await this.#transfer('read', lba, into.subarray(0, count * SECTOR));
    return into;
  }

  /**
   * Writes sectors; resolved when the target has answered for all of them.
   * @param data whole sectors; must stay as they are until then
   * @throws LabError if the range is not within the device, or a part of it could not be written
   */
  write(lba: number, data: Uint8Array): Promise<void> {
    return this.#transfer('write', lba, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  }

  /**
   * Has the target bring what was written to its medium: FLUSH CACHE EXT, or FLUSH CACHE where it knows no other.
   * @returns false if the target knows neither command
   */
  async flush(): Promise<boolean> {
    const { lba48 } = this.#identity ?? (await this.identify());
    const commands = lba48 ? [AtaCommand.flushCacheExt, AtaCommand.flushCache] : [AtaCommand.flushCache];
    for (const cmdStatus of commands) {
      if (await this.#flush(cmdStatus)) return true;
    }
    return false;
  }

  /**
   * Asks for the configuration, or sets or tests its string.
   * @param request subcommand (see ConfigCommand) and string. Default: a plain query
   * @returns undefined if a test was not answered: the string is another
   */
  async queryConfig(
    request: { ccmd: number; string?: Uint8Array } = { ccmd: ConfigCommand.read },
  ): Promise<TargetConfig | undefined> {
    const { ccmd, string } = request;
    const isTest = ccmd === ConfigCommand.test || ccmd === ConfigCommand.testPrefix;
    const work = {
      tried: `querying the configuration of ${this.#name}`,
      command: Command.config,
      timeout: isTest ? CONFIG_TEST_TIMEOUT : undefined,
      write: (into: Buffer) => this.#requests.config(into, ccmd, string),
    };
    try {
      return await this.#ask(work, (frame) =>
        frame.kind === 'config' ? targetConfig(frame.config) : undefined,
      );
    } catch (error) {
      if (isTest && error instanceof NoAnswerError) return undefined;
      throw error;
    }
  }

  async #flush(cmdStatus: number): Promise<boolean> {
    const flags = cmdStatus === AtaCommand.flushCacheExt ? AtaFlag.lba48 : 0;
    const ata: Ata = { flags, errFeature: 0, count: 0, cmdStatus, lba: 0 };
    const write = (into: Buffer): number => this.#requests.ata(into, ata);
    try {
      await this.#ask({ tried: `flushing ${this.#name}`, command: Command.ata, write }, () => undefined);
      return true;
    } catch (error) {
      if (error instanceof AtaAnswerError && error.error & AtaError.aborted) return false;
      throw error;
    }
  }

  async #transfer(direction: Direction, lba: number, data: Buffer): Promise<void> {
    const identity = this.#identity ?? (await this.identify());
    await transfer({
      direction,
      name: this.#name,
      identity,
      lba,
      data,
      sectorsPerFrame: this.sectorsPerFrame,
      requests: this.#requests,
      pipeline: this.#pipeline,
    });
  }

  /** The target of a path that was held is there again, or elsewhere. */
  async #goOn(lane: Lane, mac: Mac): Promise<void> {
    if (mac !== lane.mac) {
      this.#onNote(
        `${this.#name} has moved: the same disk answers from ${formatMac(mac)} on ${lane.link.name}`,
      );
      this.#pipeline.move(lane, mac, 'it has moved');
      return;
    }
    const { oldest } = lane;
    const isTried = oldest !== undefined && oldest.sectors > 1 && lane.holds <= MOST_TRIALS;
    const passing = isTried ? await this.#passing(lane, oldest) : undefined;
    lane.resume();
    if (passing !== undefined && passing < (oldest?.sectors ?? 0)) {
      this.#narrow(passing, `larger frames get lost on the way (MTU ${lane.link.mtu} at this end)`);
    }
    this.#pipeline.pump();
  }

  /** Sectors of the largest frame that passes; undefined if nothing can be read at all. */
  async #passing({ link, mac }: Lane, { lba, sectors }: Extent): Promise<number | undefined> {
    const identity = this.#identity;
    if (identity === undefined || mac === undefined) return undefined;
    const { bufferCount } = this.config;
    return sectorsThatPass({ link, address: this.address, mac, identity, bufferCount, most: sectors, lba });
  }

  /** What a target that refused a request takes now, by what it says of itself now. */
  async #sectorsNow({ link, mac }: Lane): Promise<number> {
    const stations = await whoAnswers(link, this.address, { wait: CONFIG_WAIT, identify: false });
    const config = stations.find((station) => station.mac === mac)?.config;
    const sectors = config ? fittingSectors(link.mtu, config.maxSectors) : 0;
    if (sectors > 0) this.#narrow(sectors, 'it takes no larger frames any more');
    return sectors;
  }

  #narrow(sectors: number, reason: string): void {
    if (sectors >= this.#sectorsPerFrame) return;
    this.#sectorsPerFrame = sectors;
    this.#onNote(`${this.#name}: goes on with ${sectors} sectors a frame, as ${reason}`);
    this.#pipeline.narrow(sectors);
  }

  /** @param pick takes from the answer what is wanted, as a copy */
  #ask<T>(work: Omit<Work, 'onAnswer' | 'onFailure'>, pick: (frame: Frame) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#pipeline.enqueue({
        ...work,
        onAnswer: (frame) => {
          try {
            resolve(pick(frame));
          } catch (error) {
            reject(error);
          }
        },
        onFailure: reject,
      });
    });
  }
}

/** Sectors of a frame between a link and a target. @throws LabError if the link carries none */
function sectorsThatFit(link: Link, name: string, { maxSectors }: TargetConfig): number {
  const fit = fittingSectors(link.mtu, maxSectors);
  if (fit >= 1) return fit;
  throw new LabError({
    tried: `speaking to ${name} on ${link.name}`,
    happened: `no sector fits into its MTU of ${link.mtu} bytes`,
    next: `raise the interface's MTU to ${HEADERS + SECTOR} or more`,
  });
}
