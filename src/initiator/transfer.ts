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
import { LabError } from '../errors.js';
import type { Pipeline } from './pipeline.js';
import type { Requests } from './requests.js';

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
 * @throws LabError if the range is not within the device, or a frame fails: what is not yet sent is then left out
 */
export async function transfer(wish: Transfer): Promise<void> {
  const { direction, name, identity, lba, data, sectorsPerFrame, requests, pipeline } = wish;
  const count = data.length / SECTOR;
  const tried = `${direction === 'read' ? 'reading' : 'writing'} ${count} sectors at ${lba} of ${name}`;
  checkRange(tried, lba, count, identity);
  if (count === 0) return;
  const isWrite = direction === 'write';
  const flags = (identity.lba48 ? AtaFlag.lba48 : 0) | (isWrite ? AtaFlag.write : 0);
  const cmdStatus = commandOf(direction, identity.lba48);
  await new Promise<void>((resolve, reject) => {
    let left = Math.ceil(count / sectorsPerFrame);
    let failed = false;
    const fail = (error: LabError): void => {
      failed = true;
      reject(error);
    };
    const settle = (frame: Frame, part: Buffer): void => {
      if (!isWrite && !copyData(frame, part)) {
        const happened = `${name} answered with less data than the ${part.length} bytes asked for`;
        fail(new LabError({ tried, happened }));
      } else if (--left === 0) resolve();
    };
    for (let done = 0; done < count; done += sectorsPerFrame) {
      const sectors = Math.min(sectorsPerFrame, count - done);
      const part = data.subarray(done * SECTOR, (done + sectors) * SECTOR);
      const ata: Ata = { flags, errFeature: 0, count: sectors, cmdStatus, lba: lba + done };
      pipeline.enqueue({
        tried,
        command: Command.ata,
        write: (into) => requests.ata(into, ata, isWrite ? part : undefined),
        dropped: () => failed,
        onAnswer: (frame) => settle(frame, part),
        onFailure: fail,
      });
    }
  });
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
  });
}
