import type { Host } from '../../hosts/host/host.js';

export interface BuildOptions {
  /** Where the steps run; its file system must be this machine's. */
  host?: Host | undefined;
  /** Jobs of make; the number of processors if absent. */
  jobs?: number | undefined;
  /** Build again although it is in the store. */
  force?: boolean | undefined;
  onEvent?: ((event: BuildEvent) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** What happens during a build, for whoever shows it. */
export type BuildEvent =
  | { kind: 'build-cached'; key: string }
  /** Another process builds the same. */
  | { kind: 'build-waiting'; key: string }
  | { kind: 'build-patching'; patches: string[] }
  | { kind: 'build-step'; command: string; index: number; total: number }
  /** Duration in milliseconds. */
  | { kind: 'built'; key: string; duration: number; warnings: number };
