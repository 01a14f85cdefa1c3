import type { Address } from '../../wire/aoe/index.js';
import type { Link } from '../../wire/link/link.js';
import type { Ran } from '../testbed/place.js';

/** One export of the target under test. */
export interface DutExport {
  address: Address;
  /** Sectors. */
  sectors: number;
}

/** A target under test and what cases may do to it beside sending it frames. */
export interface Dut {
  implementation: string;
  release: string;
  /** Where it runs, and the kernel below it. */
  target: Ran;
  /** Milliseconds that a case may take; beyond it the target counts as hung. */
  patience: number;
  /** The initiator's side of the wire. */
  link: Link;
  /** Writable, filled with `content`. */
  main: DutExport;
  /** Filled with `content`; undefined where the target can't export read-only. */
  readOnly: DutExport | undefined;
  /** On another shelf, beyond what 28 bits address; sparse. */
  big: DutExport | undefined;
  /** Frames that came while the exports were made: announcements. */
  announced: readonly Buffer[];

  /** Whether the processes that serve it, or the guest that it runs in, are all there. */
  alive(): Promise<boolean>;
  /** What is known of how it ended, when it is not alive. */
  howItEnded(): Promise<string>;
  /** What the kernel of its guest complained of so far. */
  trouble(): Promise<string[]>;
  /** Ends the target at once, as a power cut would; `revive` brings it back. */
  kill(): Promise<void>;
  /** Restarts the target, with what it keeps. */
  revive(): Promise<void>;
  /** Makes the exports anew, so that the target has nothing kept. */
  renew(): Promise<void>;
  /** Bytes of an export's backing file. */
  readBacking(of: DutExport, lba: number, count: number): Promise<Buffer>;
  writeBacking(of: DutExport, lba: number, data: Buffer): Promise<void>;
  /** Bytes that an export's backing file has. */
  backingSize(of: DutExport): Promise<number>;
  /**
   * Gives the main export's backing file its known content and size again, if they changed.
   * @param isTouched false: nothing was asked of the target that changes it, so that a costly look may be left out
   */
  resetBacking(isTouched?: boolean): Promise<void>;
}
