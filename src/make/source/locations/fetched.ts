import type { OnSourceEvent } from '../../store/events.js';
import type { Limits } from '../../store/limits.js';
import type { ArchiveFacts } from '../../store/pins.js';

/** What a way of fetching is given. */
export interface LocationOptions {
  /** A folder in the store's `tmp`, for everything that is not finished. */
  work: string;
  /** How people are told of the location. */
  location: string;
  limits: Limits;
  signal: AbortSignal;
  onEvent: OnSourceEvent;
}

/** What it gives: a folder of the store's `tmp` that holds the tree, or holds what the tree is in. */
export interface Fetched {
  folder: string;
  /** As it is told to people; may name the revision that came. */
  location: string;
  archive?: ArchiveFacts;
}
