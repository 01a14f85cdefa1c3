import { AtaCommand, AtaError, AtaFlag, type Frame, HeaderFlag, SECTOR } from '../aoe/index.js';

/** What one export has done since its process began. */
export interface Counters {
  /** Frames that asked it for something, answered or not. */
  requests: number;
  reads: number;
  writes: number;
  flushes: number;
  /** Bytes that left and came as sectors. */
  bytesRead: number;
  bytesWritten: number;
  /** Answers with an error of AoE's, by its number 1 to 6. */
  aoeErrors: Record<string, number>;
  /** Answers with an error of ATA's. */
  ataErrors: { idNotFound: number; uncorrectable: number; aborted: number };
  /** Left without an answer: requests of those who are not allowed, and changes asked of all instead of it alone. */
  refused: number;
  /** Answers that could not be sent. */
  unsent: number;
}

export function newCounters(): Counters {
  return {
    requests: 0,
    reads: 0,
    writes: 0,
    flushes: 0,
    bytesRead: 0,
    bytesWritten: 0,
    aoeErrors: {},
    ataErrors: { idNotFound: 0, uncorrectable: 0, aborted: 0 },
    refused: 0,
    unsent: 0,
  };
}

/** Counts a request by its answer. @param command the request's ATA command, where it has one */
export function countAnswer(counters: Counters, frame: Frame, command: number | undefined): void {
  const { flags, error } = frame.header;
  if (flags & HeaderFlag.error) {
    counters.aoeErrors[error] = (counters.aoeErrors[error] ?? 0) + 1;
    return;
  }
  if (frame.kind !== 'ata') return;
  const { errFeature, cmdStatus } = frame.ata;
  if (cmdStatus & 1) {
    if (errFeature & AtaError.idNotFound) counters.ataErrors.idNotFound++;
    else if (errFeature & AtaError.uncorrectable) counters.ataErrors.uncorrectable++;
    else counters.ataErrors.aborted++;
    return;
  }
  switch (command) {
    case AtaCommand.readSectors:
    case AtaCommand.readSectorsExt:
      counters.reads++;
      counters.bytesRead += frame.data.length;
      break;
    case AtaCommand.flushCache:
    case AtaCommand.flushCacheExt:
      counters.flushes++;
      break;
    default:
      if (frame.ata.flags & AtaFlag.write) counters.writes++;
  }
}

/** Bytes that a write of a number of sectors adds. */
export function countWritten(counters: Counters, sectors: number): void {
  counters.bytesWritten += sectors * SECTOR;
}
