import type { Host } from '../../host/host.js';
import type { AoeClient } from './client.js';

/** What the tests work on: a target that is exported, a client that is to see it, and the wire between them. */
export interface Scene {
  client: AoeClient;
  target: {
    host: Host;
    /** Of the export. */
    id: string;
    iface: string;
    netns: string | undefined;
    sectors: number;
  };
  /** The target's port of the hub. */
  wire: {
    cut(): void;
    restore(): void;
    /** Frames of the target's that have passed so far. */
    frames(): number;
  };
  /** Takes down what is worth knowing although nothing failed. */
  finding(text: string): void;
}

/** Seconds after which the client is told to give up; it takes 11 to 15 (handbook, section 5a). */
export const DEAD_SECONDS = 10;
