import { LabError } from '../../base/errors.js';
import {
  type Ata,
  AtaCommand,
  AtaFlag,
  Command,
  type Frame,
  type Identify,
  identifiedSectors,
  LBA28_SECTORS,
  SECTOR,
} from '../aoe/index.js';
import { AtaAnswerError } from './faults.js';
import type { Pipeline } from './pipeline.js';
import type { Requests } from './requests.js';
import type { Extent, Work } from './work.js';

export type Direction = 'read' | 'write';

export interface Transfer {
  direction: Direction;
  /** The target's, for messages. */
  name: string;
  identity: Identify;
  /** First sector. */
  lba: number;
  /** Whole sectors, to be filled or to be written. */
  data: Buffer;
  sectorsPerFrame: number;
  requests: Requests;
  pipeline: Pipeline;
}

/**
 * Reads or writes consecutive sectors by as many frames as it takes.
 * @throws LabError if the range is not within the device, or a frame fails: what is not yet sent is then left out.
 *   AtaAnswerError names the sector
 */
export async function transfer(asked: Transfer): Promise<void> {
  const { direction, name, identity, lba, data, sectorsPerFrame, pipeline } = asked;
  const count = data.length / SECTOR;
  checkRange(triedOf(direction, lba, count, name), lba, count, identity);
  if (count === 0) return;
  await new Promise<void>((resolve, reject) => {
    const progress = new Progress(asked, resolve, reject);
    for (const part of partsOf(progress, lba, data, sectorsPerFrame)) pipeline.enqueue(part);
  });
}

/** One transfer while it is under way. */
class Progress {
  readonly asked: Transfer;
  readonly isWrite: boolean;
  readonly flags: number;
  readonly command: number;
  readonly reject: (error: LabError) => void;
  readonly #resolve: () => void;
  #left: number;
  failed = false;

  constructor(asked: Transfer, resolve: () => void, reject: (error: LabError) => void) {
    const { direction, identity, data } = asked;
    this.asked = asked;
    this.isWrite = direction === 'write';
    this.flags = (identity.lba48 ? AtaFlag.lba48 : 0) | (this.isWrite ? AtaFlag.write : 0);
    this.command = commandOf(direction, identity.lba48);
    this.reject = reject;
    this.#resolve = resolve;
    this.#left = data.length;
  }

  fail(error: LabError): void {
    this.failed = true;
    this.reject(error);
  }

  /** @param bytes that were read or written */
  complete(bytes: number): void {
    this.#left -= bytes;
    if (this.#left === 0) this.#resolve();
  }
}

/** The sectors of one frame. */
class Part implements Work, Extent {
  readonly command = Command.ata;
  readonly lba: number;
  readonly #progress: Progress;
  readonly #data: Buffer;

  constructor(progress: Progress, lba: number, data: Buffer) {
    this.#progress = progress;
    this.lba = lba;
    this.#data = data;
  }

  get tried(): string {
    const { direction, name } = this.#progress.asked;
    return triedOf(direction, this.lba, this.sectors, name);
  }

  get extent(): Extent {
    return this;
  }

  get sectors(): number {
    return this.#data.length / SECTOR;
  }

  split(most: number): Work[] {
    return partsOf(this.#progress, this.lba, this.#data, most);
  }

  dropped(): boolean {
    return this.#progress.failed;
  }

  write(into: Buffer): number {
    const { flags, command, isWrite, asked } = this.#progress;
    const ata: Ata = { flags, errFeature: 0, count: this.sectors, cmdStatus: command, lba: this.lba };
    return asked.requests.ata(into, ata, isWrite ? this.#data : undefined);
  }

  onAnswer(frame: Frame): void {
    const { isWrite, asked } = this.#progress;
    if (isWrite || copyData(frame, this.#data)) {
      this.#progress.complete(this.#data.length);
      return;
    }
    const happened = `${asked.name} answered with less data than the ${this.#data.length} bytes asked for`;
    this.#progress.fail(new LabError({ tried: this.tried, happened }));
  }

  onFailure(error: LabError): void {
    // Which sector it is shows when each is asked for alone.
    if (error instanceof AtaAnswerError && this.sectors > 1 && !this.#progress.failed) {
      this.#progress.asked.pipeline.enqueueFirst(this.split(1));
    } else this.#progress.fail(error);
  }
}

function partsOf(progress: Progress, lba: number, data: Buffer, most: number): Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < data.length; at += most * SECTOR) {
    parts.push(new Part(progress, lba + at / SECTOR, data.subarray(at, at + most * SECTOR)));
  }
  return parts;
}

function triedOf(direction: Direction, lba: number, count: number, name: string): string {
  const verb = direction === 'read' ? 'reading' : 'writing';
  return count === 1 ? `${verb} sector ${lba} of ${name}` : `${verb} ${count} sectors at ${lba} of ${name}`;
}

function commandOf(direction: Direction, lba48: boolean): number {
  if (direction === 'write') return lba48 ? AtaCommand.writeSectorsExt : AtaCommand.writeSectors;
  return lba48 ? AtaCommand.readSectorsExt : AtaCommand.readSectors;
}

function copyData(frame: Frame, part: Buffer): boolean {
  if (frame.kind !== 'ata' || frame.data.length < part.length) return false;
  part.set(frame.data.length === part.length ? frame.data : frame.data.subarray(0, part.length));
  return true;
}

/** There are targets that let a write past the end grow their file: such a request is not even sent. */
function checkRange(tried: string, lba: number, count: number, identity: Identify): void {
  const sectors = identifiedSectors(identity);
  const last = identity.lba48 ? sectors : Math.min(sectors, LBA28_SECTORS);
  const isWhole = Number.isInteger(lba) && Number.isInteger(count) && lba >= 0;
  if (isWhole && lba + count <= last) return;
  throw new LabError({
    tried,
    happened: isWhole ? `the device ends at sector ${last}` : 'only whole sectors can be read and written',
    ...(isWhole ? { next: 'take less, or begin earlier' } : {}),
  });
}
