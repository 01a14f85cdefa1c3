/** Where the two machines of the acceptance tests are. */
import type { Place } from '../testbed/place.js';
import type { Site } from '../testbed/remote-dut.js';

interface NearTarget {
  /** Where a daemon runs; a module needs a guest. Undefined: where its recipe says. */
  target: Place | undefined;
  /** Use the network namespace of this process. */
  inPlace?: boolean | undefined;
}

interface NearClient {
  /** The Linux driver in a guest, or aoe-lab's own initiator here. */
  client: Place;
}

/**
 * Both by this machine, or one of them on a host over SSH: frames between two hosts would pass by this machine.
 * @typeParam On what is known of that host
 */
export type Placement<On extends Site = Site> =
  | ({ far?: undefined } & NearTarget & NearClient)
  | ({ far: 'target'; on: On } & NearClient)
  | ({ far: 'client'; on: On } & NearTarget);
