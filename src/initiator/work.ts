import type { Frame } from '../aoe/index.js';
import type { LabError } from '../errors.js';

/** One request in the queue of a target. */
export interface Work {
  tried: string;
  command: number;
  /** Milliseconds; the pipeline's otherwise. */
  timeout?: number | undefined;
  /** Writes the frame (its tag left open); the addresses of its Ethernet header are those of the path it takes. @returns its length */
  write(into: Buffer): number;
  /** Asked before it is sent: whether nobody wants it any more. */
  dropped?(): boolean;
  /** Views of memory that is overwritten afterwards; errors of AoE's and ATA's come to `onFailure` instead. */
  onAnswer(frame: Frame): void;
  onFailure(error: LabError): void;
}
