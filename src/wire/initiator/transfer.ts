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
    const course = new Course(asked, resolve, reject);
    for (const part of partsOf(course, lba, data, sectorsPerFrame)) pipeline.enqueue(part);
  });
}

/** One transfer while it is under way. */
class Course {
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
  settle(bytes: number): void {
    this.#left -= bytes;
    if (this.#left === 0) this.#resolve();
  }
}

/** The sectors of one frame. */
class Part implements Work, Extent {
  readonly command = Command.ata;
  readonly lba: number;
  readonly #course: Course;
  readonly #data: Buffer;

  constructor(course: Course, lba: number, data: Buffer) {
    this.#course = course;
    this.lba = lba;
    this.#data = data;
  }

  get tried(): string {
    const { direction, name } = this.#course.asked;
    return triedOf(direction, this.lba, this.sectors, name);
  }

  get extent(): Extent {
    return this;
  }

  get sectors(): number {
    return this.#data.length / SECTOR;
  }

  split(most: number): Work[] {
    return partsOf(this.#course, this.lba, this.#data, most);
  }

  dropped(): boolean {
    return this.#course.failed;
  }

  write(into: Buffer): number {
    const { flags, command, isWrite, asked } = this.#course;
    const ata: Ata = { flags, errFeature: 0, count: this.sectors, cmdStatus: command, lba: this.lba };
    return asked.requests.ata(into, ata, isWrite ? this.#data : undefined);
  }

  onAnswer(frame: Frame): void {
    const { isWrite, asked } = this.#course;
    if (isWrite || copyData(frame, this.#data)) {
      this.#course.settle(this.#data.length);
      return;
    }
    const happened = `${asked.name} answered with less data than the ${this.#data.length} bytes asked for`;
    this.#course.fail(new LabError({ tried: this.tried, happened }));
  }

  onFailure(error: LabError): void {
    // Which sector it is shows when each is asked for alone.
    if (error instanceof AtaAnswerError && this.sectors > 1 && !this.#course.failed) {
      this.#course.asked.pipeline.enqueueFirst(this.split(1));
    } else this.#course.fail(error);
  }
}

function partsOf(course: Course, lba: number, data: Buffer, most: number): Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < data.length; at += most * SECTOR) {
    parts.push(new Part(course, lba + at / SECTOR, data.subarray(at, at + most * SECTOR)));
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
