import type { Placement } from './placement.js';
import type { TestName } from './record.js';

export interface AcceptanceOptions {
  implementation: string;
  release?: string | undefined;
  source?: string | undefined;
  offline?: boolean | undefined;
  unpinned?: boolean | undefined;
  tests: readonly TestName[];
  /** Of the guests, as guestKernel takes it. */
  kernel: string;
  /** Of the client's guest, if it is another. */
  clientKernel?: string | undefined;
  placement: Placement;
  /** Bytes, of the wire; on hosts at most. */
  mtu: number;
  /** MiB that test 1 writes. Default: 100. */
  fileMib?: number | undefined;
  signal?: AbortSignal | undefined;
  onStep(test: string, step: string): void;
}
