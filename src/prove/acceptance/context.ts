import type { Host } from '../../hosts/host/host.js';
import type { AoeClient } from './client.js';
import type { Step, TestName } from './record.js';

/** What all tests work on: a target that is exported, and the wire that leads to it. */
export interface TestContext {
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
  /** MiB that test 1 writes. */
  fileMib: number;
  /** Takes down what is worth knowing although nothing failed. */
  finding(text: string): void;
}

/** The same with the Linux driver as the client that is to see it. */
export interface LinuxContext extends TestContext {
  client: AoeClient;
}

/** The tests, as one kind of client does them. */
export type Tests = Readonly<{ [name in TestName]: (step: Step) => Promise<void> }>;

/** Seconds after which the client is told to give up; it takes 11 to 15 (handbook, section 5a). */
export const DEAD_SECONDS = 10;
