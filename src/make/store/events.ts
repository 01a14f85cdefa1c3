import type { SourceState } from '../recipe/schema.js';

/** What happens while a source is fetched, for whoever draws it. Sizes in bytes. */
export type SourceEvent =
  | { kind: 'trying'; location: string; state?: SourceState }
  | { kind: 'resumed'; location: string; offset: number }
  | { kind: 'progress'; location: string; done: number; total?: number }
  | { kind: 'failed'; location: string; state?: SourceState; reason: string }
  | { kind: 'arrived'; location: string; sha256: string; size: number }
  | { kind: 'verified'; location: string; by: 'archive' | 'tree'; digest: string }
  | { kind: 'differs'; location: string; digest: string; expected: string[] }
  | { kind: 'unpacked'; location: string; files: number; bytes: number; digest: string }
  | { kind: 'cached'; location: string; digest: string }
  /** Something in the store was not what its name says. */
  | { kind: 'discarded'; path: string; reason: string };

export type OnSourceEvent = (event: SourceEvent) => void;
