import {
  type Address,
  type Ata,
  AtaCommand,
  AtaError,
  AtaFlag,
  Command,
  type Config,
  ConfigCommand,
  decodeIdentify,
  ETHERNET_HEADER,
  type Frame,
  formatAddress,
  type Identify,
  identifiedSectors,
  type Mac,
  SECTOR,
} from '../aoe/index.js';
import { LabError } from '../errors.js';
import type { Link } from '../link/link.js';
import { Access } from './access.js';
import { AtaAnswerError, NoAnswerError } from './faults.js';
import { Lane, type Path, type PathReport } from './lane.js';
import { Pipeline } from './pipeline.js';
import { Requests } from './requests.js';
import { ForeignDeviceError, Revival } from './revival.js';
import { type Direction, transfer } from './transfer.js';
import type { Work } from './work.js';

export interface TargetOptions {
  /** Most requests under way; never more than the target's buffer count. */
  window?: number | undefined;
  /** Milliseconds until a request that is not answered is given up; default 15,000. */
  timeout?: number | undefined;
  /** Milliseconds after which a path on which nothing is heard is left, if there is another; default 1,000. */
  silence?: number | undefined;
  /** Milliseconds until a path that was left is tried again; doubled as long as it fails; default 1,000. */
  retry?: number | undefined;
}

/** What query config tells. */
export interface TargetConfig {
  bufferCount: number;
  firmware: number;
  /** Most sectors the target takes in a frame; 0 if it does not say. */
  maxSectors: number;
  aoeVersion: number;
  configString: Buffer;
}

/** AoE and ATA headers: what they leave of the MTU is for data. */
const HEADERS = 22;
/** What every target takes, also one that does not say. */
const LEAST_SECTORS = 2;
const DEFAULT_TIMEOUT = 15_000;
const DEFAULT_SILENCE = 1000;
const DEFAULT_RETRY = 1000;
/** A test of the config string that does not match is not answered. */
const CONFIG_TEST_TIMEOUT = 1000;

/** A session with one target. Requests go out in the order of the calls, several at a time. */
export class Target {
  readonly address: Address;
  readonly mac: Mac;
  readonly config: TargetConfig;
  /** Sectors in a frame, as the target and the link allow. */
  readonly sectorsPerFrame: number;
  /** Most requests under way. */
  readonly window: number;
  /** Its MAC mask list and reservation. */
  readonly access: Access;
  readonly #name: string;
  readonly #requests: Requests;
  readonly #pipeline: Pipeline;
  readonly #lanes: readonly Lane[];
  readonly #revival: Revival;
  #identity: Identify | undefined;

  /**
   * @param others further paths to it, taken into use by `usePaths`
   * @throws LabError if a link's MTU is too small for a sector
   */
  constructor(
    link: Link,
    address: Address,
    mac: Mac,
    config: TargetConfig,
    options: TargetOptions = {},
    others: readonly Path[] = [],
  ) {
    this.address = address;
    this.mac = mac;
    this.config = config;
    this.#name = formatAddress(address);
    const links = [link, ...others.map((path) => path.link)];
    const fit = Math.min(...links.map((each) => sectorsThatFit(each, this.#name)));
    this.sectorsPerFrame = Math.min(fit, config.maxSectors || LEAST_SECTORS, 255);
    this.window = Math.max(1, Math.min(config.bufferCount, options.window ?? config.bufferCount));
    this.#requests = new Requests(link.mac, mac, address);
    const mtu = Math.min(...links.map((each) => each.mtu));
    this.access = new Access(this.#name, this.#requests, mtu, (work, pick) => this.#ask(work, pick));
    const frameLength = Math.max(...links.map(({ mtu }) => mtu)) + ETHERNET_HEADER;
    const retry = options.retry ?? DEFAULT_RETRY;
    this.#lanes = links.map((each, index) => {
      const path = { link: each, mac: index === 0 ? mac : undefined };
      return new Lane(path, address, this.window, frameLength, retry);
    });
    this.#pipeline = new Pipeline(this.#lanes, address, {
      most: this.window,
      timeout: options.timeout ?? DEFAULT_TIMEOUT,
      silence: options.silence ?? DEFAULT_SILENCE,
      onLeft: (lane) => this.#revival.later(lane),
    });
    this.#revival = new Revival(
      address,
      () => this.#identity,
      () => this.#pipeline.pump(),
    );
  }

  /** How its paths fare. */
  get paths(): PathReport[] {
    return this.#lanes.map(({ report }) => report);
  }

  /**
   * Takes its further paths into use where it answers; the others are tried again and again.
   * @throws ForeignDeviceError if another device answers to its address on one
   */
  async usePaths(): Promise<void> {
    const left = this.#lanes.filter(({ isUsed }) => !isUsed);
    const outcomes = await Promise.allSettled(left.map((lane) => this.#revival.attempt(lane)));
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') continue;
      if (outcome.reason instanceof ForeignDeviceError) throw outcome.reason;
      const lane = left[index] as Lane;
      lane.trouble = (outcome.reason as Error).message;
      this.#revival.later(lane);
    }
  }

  /**
   * Asks what the device is.
   * @throws LabError if it is not answered, refused, or answered with less than a sector
   */
  async identify(timeout?: number): Promise<Identify> {
    const tried = `identifying ${this.#name}`;
    const ata: Ata = { flags: 0, errFeature: 0, count: 1, cmdStatus: AtaCommand.identifyDevice, lba: 0 };
    this.#identity = await this.#ask(
      { tried, command: Command.ata, timeout, write: (into) => this.#requests.ata(into, ata) },
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

  /** Sectors of the device. */
  async sectors(): Promise<number> {
    return identifiedSectors(this.#identity ?? (await this.identify()));
  }

  /**
   * Reads sectors.
   * @param into memory of count × 512 bytes; new memory otherwise
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
   * @param request subcommand (see ConfigCommand) and string; a plain query otherwise
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

/** Whole sectors that a frame on a link carries. @throws LabError if none does */
function sectorsThatFit(link: Link, name: string): number {
  const fit = Math.floor((link.mtu - HEADERS) / SECTOR);
  if (fit >= 1) return fit;
  throw new LabError({
    tried: `speaking to ${name} on ${link.name}`,
    happened: `no sector fits into its MTU of ${link.mtu} bytes`,
    next: `raise the interface's MTU to ${HEADERS + SECTOR} or more`,
  });
}

/** A copy of what an answer to query config says. */
export function targetConfig(config: Config): TargetConfig {
  return {
    bufferCount: config.bufferCount,
    firmware: config.firmware,
    maxSectors: config.sectorCount,
    aoeVersion: config.version,
    configString: Buffer.from(config.string),
  };
}
