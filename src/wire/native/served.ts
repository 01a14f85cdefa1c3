import type { Backing } from './backing.js';
import type { Counters } from './counters.js';
import type { IoFaults } from './io-faults.js';
import type { Medium } from './medium.js';
import type { StateKeeper } from './state-store.js';
import type { NativeTarget } from './target.js';
import type { WriteOrder } from './write-order.js';

/** A target with what it works on. One that several interfaces serve is the same on all of them. */
export interface Served {
  target: NativeTarget;
  backing: Backing;
  keeper: StateKeeper;
  order: WriteOrder;
  counters: Counters;
  /** Reads that began at the first sector. */
  trials: { count: number };
  medium: Medium;
  faults: IoFaults;
}
