import type { Place } from '../testbed/place.js';
import type { Site } from '../testbed/remote-dut.js';
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
  /** The client: the Linux driver in a guest, or aoe-lab's own here. Default: the guest. */
  initiator?: Place | undefined;
  /** Where a daemon runs; a module needs a guest. */
  place?: Place | undefined;
  /** A host over SSH that it runs on instead. */
  site?: Site | undefined;
  /** A host over SSH that the client runs on; not beside `site`, since frames between the two would pass by this machine. */
  clientSite?: Site | undefined;
  /** Bytes, of the wire; on hosts at most. */
  mtu: number;
  /** MiB that test 1 writes. Default: 100. */
  fileMib?: number | undefined;
  /** Use the network namespace of this process. */
  inPlace?: boolean | undefined;
  signal?: AbortSignal | undefined;
  onStep(test: string, step: string): void;
}
