import {
  AoeError,
  type Ata,
  AtaCommand,
  AtaError,
  AtaFlag,
  type AtaFrame,
  AtaStatus,
  LBA28_SECTORS,
  SECTOR,
} from '../aoe/index.js';
import { identifyBlock } from './identity.js';
import type { IoFailure, IoFault, Port, Reaction } from './reaction.js';
import type { NativeTarget } from './target.js';

const NO_DATA = Buffer.alloc(0);
/** "Active or idle" in the count register (ATA-7, CHECK POWER MODE). */
const ACTIVE = 0xff;
/** What a count of 0 means for commands that transfer nothing (ATA-7, READ VERIFY SECTORS and its EXT form). */
const ZERO_28 = 256;
const ZERO_48 = 65536;

/**
 * ATA commands. Those that move data must say so by the W flag, and move as much as one frame holds: everything else
 * is a bad argument of AoE's. What the device refuses is said by its status and error register, as a disk would.
 */
export function reactToAta(target: NativeTarget, request: AtaFrame, port: Port): Reaction {
  const { ata } = request;
  const command = ata.cmdStatus;
  // Identify alone is open to those who have not reserved the target: it tells them what it is.
  if (command !== AtaCommand.identifyDevice && !target.mayUse(request.ethernet.source)) {
    return { kind: 'answer', frame: refusal(target, request, port, AoeError.targetReserved) };
  }
  const reply = (outcome: IoFailure | undefined, data: Buffer = NO_DATA, count = 0): AtaFrame =>
    ataAnswer(target, request, port, outcome, data, count);
  const aborted = (): Reaction => ({
    kind: 'answer',
    frame: ataAnswer(target, request, port, { fault: 'refused' }, NO_DATA, ata.count),
  });
  const isWrite = (ata.flags & AtaFlag.write) !== 0;
  switch (command) {
    case AtaCommand.identifyDevice:
      if (isWrite) break;
      return {
        kind: 'measure',
        answer: (sectors) => {
          if (typeof sectors === 'number') target.sectors = sectors;
          return typeof sectors === 'number' ? reply(undefined, identifyBlock(target)) : reply(sectors);
        },
      };
    case AtaCommand.readSectors:
    case AtaCommand.readSectorsExt: {
      if (isWrite) break;
      if (!fits(ata.count, port)) return tooMany(target, request, port);
      const sector = firstSector(ata);
      if (sector + ata.count > target.sectors) return beyond(target, request, port);
      return {
        kind: 'read',
        sector,
        count: ata.count,
        answer: (outcome) =>
          Buffer.isBuffer(outcome) ? reply(undefined, outcome) : reply(outcome, NO_DATA, ata.count),
      };
    }
    case AtaCommand.writeSectors:
    case AtaCommand.writeSectorsExt: {
      if (!isWrite) break;
      if (!fits(ata.count, port)) return tooMany(target, request, port);
      if (target.readOnly) return aborted();
      const sector = firstSector(ata);
      if (sector + ata.count > target.sectors) return beyond(target, request, port);
      return {
        kind: 'write',
        sector,
        data: request.data.subarray(0, ata.count * SECTOR),
        answer: (outcome) => reply(outcome, NO_DATA, outcome === undefined ? 0 : ata.count),
      };
    }
    case AtaCommand.verify:
    case AtaCommand.verifyExt: {
      if (isWrite) break;
      const sector = firstSector(ata);
      const count = ata.count || (command === AtaCommand.verify ? ZERO_28 : ZERO_48);
      if (sector + count > target.sectors) return beyond(target, request, port);
      return {
        kind: 'verify',
        sector,
        count,
        answer: (outcome) => reply(outcome, NO_DATA, outcome === undefined ? 0 : ata.count),
      };
    }
    case AtaCommand.flushCache:
    case AtaCommand.flushCacheExt:
      return { kind: 'flush', answer: (outcome) => reply(outcome && { fault: 'refused' }) };
    case AtaCommand.checkPowerMode:
      return { kind: 'answer', frame: reply(undefined, NO_DATA, ACTIVE) };
    default:
      // SMART among them: a file has no such data, and all targets abort it.
      return aborted();
  }
  return { kind: 'answer', frame: refusal(target, request, port, AoeError.badArgument) };
}

/** 28-bit commands use the low 28 bits, whatever the others are. */
export function firstSector({ cmdStatus, lba }: Ata): number {
  const is28 =
    cmdStatus === AtaCommand.readSectors ||
    cmdStatus === AtaCommand.writeSectors ||
    cmdStatus === AtaCommand.verify;
  return is28 ? lba % (LBA28_SECTORS + 1) : lba;
}

/** A count of 0 would mean 256 sectors or more, which no frame holds. */
function fits(count: number, port: Port): boolean {
  return count > 0 && count <= port.maxSectors;
}

/** More than a frame holds: a bad argument, unless whoever asks could not know yet. */
function tooMany(target: NativeTarget, request: AtaFrame, port: Port): Reaction {
  const { count } = request.ata;
  if (count > 0 && count <= (port.lately ?? 0)) return { kind: 'silence', why: 'outgrown' };
  return { kind: 'answer', frame: refusal(target, request, port, AoeError.badArgument) };
}

function beyond(target: NativeTarget, request: AtaFrame, port: Port): Reaction {
  const { count } = request.ata;
  return { kind: 'answer', frame: ataAnswer(target, request, port, { fault: 'beyond' }, NO_DATA, count) };
}

/** An error of AoE's, the request's registers repeated. */
function refusal(target: NativeTarget, request: AtaFrame, port: Port, error: number): AtaFrame {
  return { ...target.envelope(request, port, error), kind: 'ata', ata: request.ata, data: NO_DATA };
}

/**
 * @param outcome its sector, where it is known, is told in the LBA registers (ATA-8, error outputs of READ SECTORS)
 * @param count the sector count register: what is left to transfer
 */
function ataAnswer(
  target: NativeTarget,
  request: AtaFrame,
  port: Port,
  outcome: IoFailure | undefined,
  data: Buffer,
  count: number,
): AtaFrame {
  const status = outcome === undefined ? AtaStatus.ready : AtaStatus.ready | AtaStatus.error;
  return {
    ...target.envelope(request, port),
    kind: 'ata',
    ata: {
      ...request.ata,
      lba: outcome?.sector ?? request.ata.lba,
      errFeature: errorRegister(outcome?.fault),
      cmdStatus: status,
      count,
    },
    data,
  };
}

function errorRegister(outcome: IoFault | undefined): number {
  switch (outcome) {
    case undefined:
      return 0;
    case 'beyond':
      return AtaError.idNotFound;
    case 'media':
      return AtaError.uncorrectable;
    case 'refused':
      return AtaError.aborted;
  }
}
