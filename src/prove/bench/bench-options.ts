import type { Site } from '../testbed/remote-dut.js';
import type { Mode } from './bench-report.js';
import type { ContenderSpec } from './contender-specs.js';

export interface BenchOptions {
  specs: readonly ContenderSpec[];
  offline?: boolean | undefined;
  unpinned?: boolean | undefined;
  /** Whether kernel modules are among them: they run in guests, and the frames of all pass a hub. */
  hub: boolean;
  /** Of guests, as guestKernel takes it. */
  kernel: string;
  sizes: readonly number[];
  depths: readonly number[];
  mixes: readonly number[];
  /** Seconds measured in each run. */
  seconds: number;
  rounds: number;
  /** Of the wires, in bytes. */
  mtu: number;
  mode: Mode;
  /** Bytes of the backing file. */
  fileSize: number;
  /** Where the backing file is made. Default on a host: the trial's own folder. */
  folder: string | undefined;
  /** A host over SSH that the targets run on instead; the load is generated here. */
  site?: Site | undefined;
  /** Whether the reflector is measured as well. */
  ceiling: boolean;
}
