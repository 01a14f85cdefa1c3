import type { LabError } from '../../base/errors.js';
import type { Frame } from '../aoe/index.js';

/** Sectors that a request moves. */
export interface Extent {
  lba: number;
  sectors: number;
  /** The same by requests of at most so many sectors each. */
  split(most: number): Work[];
}

/** One request in the queue of a target. */
export interface Work {
  readonly tried: string;
  readonly command: number;
  /** Milliseconds. Default: the pipeline's. */
  readonly timeout?: number | undefined;
  /** What it moves, for those that move data. */
  readonly extent?: Extent | undefined;
  /** Writes the frame (its tag left open); the addresses of its Ethernet header are those of the path it takes. @returns its length */
  write(into: Buffer): number;
  /** Asked before it is sent: whether nobody wants it any more. */
  dropped?(): boolean;
  /** Views of memory that is overwritten afterwards; errors of AoE's and ATA's come to `onFailure` instead. */
  onAnswer(frame: Frame): void;
  onFailure(error: LabError): void;
}
