import type { Frame, Mac } from '../aoe/index.js';
import type { TargetState } from './state.js';

/** Where a request came in, and its answer goes out. */
export interface Port {
  /** The address to answer from. */
  readonly mac: Mac;
  /** Sectors that a frame on this interface holds, at most 255. */
  readonly maxSectors: number;
  /** How many that were a moment ago, where they were more: whoever asked then may not know yet. */
  readonly lately?: number | undefined;
  /** Whether a station was heard before, where that is known. */
  isFamiliar?(mac: Mac): boolean;
}

/** Why the backing store could not do what was asked. */
export type IoFault =
  /** It ends before that. */
  | 'beyond'
  /** The medium failed. */
  | 'media'
  /** It can't be written: no space, read-only file system. */
  | 'refused';

/** A fault, and the sector that has it where that is known. */
export interface IoFailure {
  fault: IoFault;
  sector?: number | undefined;
}

/** What is to be done about a request. The target itself does no I/O: whoever asked it does, and tells it the outcome. */
export type Reaction =
  /** It is not for this target, or the protocol wants silence. */
  | { kind: 'silence'; why: Silence }
  | { kind: 'answer'; frame: Frame }
  /** `state` is to be in force. The answer, which rests on it, leaves when it has been kept: nobody hears of what a crash would undo. */
  | { kind: 'keep'; state: TargetState; answer(kept: boolean): Frame }
  /** The size of the backing store is to be looked at again. */
  | { kind: 'measure'; answer(sectors: number | IoFailure): Frame }
  | { kind: 'read'; sector: number; count: number; answer(outcome: Buffer | IoFailure): Frame }
  /** Reads without a transfer. */
  | { kind: 'verify'; sector: number; count: number; answer(outcome: IoFailure | undefined): Frame }
  /** `data` is a view of the request. */
  | { kind: 'write'; sector: number; data: Buffer; answer(outcome: IoFailure | undefined): Frame }
  /** All writes that were answered before reach the medium. */
  | { kind: 'flush'; answer(outcome: IoFailure | undefined): Frame };

export type Silence =
  /** A response, another address, another destination. */
  | 'not-for-us'
  /** The access list or the mask list does not have its source. */
  | 'not-allowed'
  /** It would change something, and is not for this target alone. */
  | 'undirected'
  /** A test of the config string that does not hold. */
  | 'no-match'
  /** It asks for more than a frame holds since the interface was changed: lost, as its answer would have been. */
  | 'outgrown'
  | 'unreadable';
