import { type ErrorFacts, LabError } from '../../base/errors.js';
import {
  type Address,
  AoeError,
  type Ata,
  AtaError,
  AtaFlag,
  AtaStatus,
  describeAoeError,
  describeAtaStatus,
  type Frame,
  formatAddress,
  HeaderFlag,
} from '../aoe/index.js';

/** The target did not answer within the time allowed. */
export class NoAnswerError extends LabError {}

/** The target answered with an error of AoE's. */
export class AoeAnswerError extends LabError {
  /** See AoeError. */
  readonly code: number;

  constructor(facts: ErrorFacts, code: number) {
    super(facts);
    this.code = code;
  }
}

/** The target answered that its device failed or refused the command. */
export class AtaAnswerError extends LabError {
  /** See AtaStatus and AtaError. */
  readonly status: number;
  readonly error: number;

  constructor(facts: ErrorFacts, status: number, error: number) {
    super(facts);
    this.status = status;
    this.error = error;
  }
}

/** The target did not carry out a change of its MAC mask list, or not all of it. */
export class MaskAnswerError extends LabError {
  /** See MaskError. */
  readonly code: number;

  constructor(facts: ErrorFacts, code: number) {
    super(facts);
    this.code = code;
  }
}

/** Another disk answers for the address, or several do. */
export class ForeignDeviceError extends LabError {}

/** Whether an answer says that something went wrong. */
export function isFault(frame: Frame): boolean {
  if (frame.header.flags & HeaderFlag.error) return true;
  return frame.kind === 'ata' && (frame.ata.cmdStatus & FAILED) !== 0;
}

/** What an answer says went wrong; undefined if nothing did. */
export function answerFault(address: Address, tried: string, frame: Frame): LabError | undefined {
  const { flags, error } = frame.header;
  const name = formatAddress(address);
  if (flags & HeaderFlag.error) {
    const happened = `${name} answered with AoE error ${describeAoeError(error)}`;
    const next = wayOut(name, error, frame.kind);
    return new AoeAnswerError({ tried, happened, ...(next && { next }) }, error);
  }
  if (frame.kind !== 'ata' || (frame.ata.cmdStatus & FAILED) === 0) {
    return undefined;
  }
  const { cmdStatus, errFeature, lba } = frame.ata;
  // The LBA registers then hold the first sector that could not be read.
  const where = errFeature & AtaError.uncorrectable ? `, at sector ${lba}` : '';
  const happened = `${name} answered with an ATA error: ${describeAtaStatus(cmdStatus, errFeature)}${where}`;
  const next = ataWayOut(name, frame.ata);
  return new AtaAnswerError({ tried, happened, ...(next && { next }) }, cmdStatus, errFeature);
}

function wayOut(name: string, error: number, kind: Frame['kind']): string[] | string | undefined {
  if (error === AoeError.targetReserved) {
    return [
      'another initiator has reserved it: release it there',
      `aoe-lab access ${name} on its host shows for whom; with --clear it ends the reservation`,
    ];
  }
  const isChange = kind === 'config' || kind === 'reserve';
  return isChange && error === AoeError.badArgument ? lockedHint(name) : undefined;
}

/** A register tells no reason: a read-only export and a full disk of the target's look the same. */
function ataWayOut(name: string, { flags, cmdStatus, errFeature }: Ata): string[] | undefined {
  if (cmdStatus & AtaStatus.busy) return undefined;
  const logs = `aoe-lab logs ${name} on its host tells what its target says of it`;
  if (errFeature & AtaError.idNotFound) {
    return [`its file or disk may have shrunk: aoe-lab status on its host tells its size`, logs];
  }
  if ((errFeature & AtaError.aborted) === 0 || (flags & AtaFlag.write) === 0) {
    return [`its file or disk may fail: ${logs}`];
  }
  return [
    'it may be exported read-only: aoe-lab status --json on its host tells its options',
    `or its file system or disk is full, or fails: ${logs}`,
  ];
}

/** A target tells no reason. */
export function lockedHint(name: string): string {
  return `it may be locked against changes over the wire: aoe-lab access ${name} on its host shows that; --unlock ends it`;
}

/** A device that is busy has not done what it was asked for, and its other registers say nothing. */
const FAILED = AtaStatus.error | AtaStatus.fault | AtaStatus.busy;

/** @param detail what is known besides: "the interface is down" */
export function noAnswer(
  address: Address,
  tried: string,
  milliseconds: number,
  tries: number,
  detail: string | undefined,
): NoAnswerError {
  const seconds = Number((milliseconds / 1000).toFixed(1));
  const asked = tries === 1 ? 'once' : `${tries} times`;
  return new NoAnswerError({
    tried,
    happened: `${formatAddress(address)} did not answer within ${seconds} s, asked ${asked}${detail ? ` (${detail})` : ''}`,
    next: [
      'look whether the target still runs and its interface is up',
      `see whether it may answer this initiator: aoe-lab access ${formatAddress(address)} on its host shows its MAC lists`,
      'see what passes: aoe-lab capture --iface INTERFACE',
    ],
  });
}
