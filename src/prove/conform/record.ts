import type { FrameRecord } from './results.js';
import type { LoggedFrame } from './wire-log.js';

/** Frames of a case that a report lists, and bytes of each. */
const LISTED = 24;
const BYTES = 64;

/** The first frames of a case as plain data. */
export function recordFrames(frames: readonly LoggedFrame[]): {
  frames: FrameRecord[];
  framesLeftOut: number;
} {
  return {
    frames: frames.slice(0, LISTED).map(({ at, sent, bytes, text }) => ({
      at: Math.round(at * 10) / 10,
      direction: sent ? ('sent' as const) : ('received' as const),
      text,
      length: bytes.length,
      hex: bytes.subarray(0, BYTES).toString('hex'),
    })),
    framesLeftOut: Math.max(0, frames.length - LISTED),
  };
}
