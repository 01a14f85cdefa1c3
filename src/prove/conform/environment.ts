/** Where the target under test (DUT) runs: the same target, exported the same way, on this machine, in a guest or on a host over SSH. */
import type { Host } from '../../hosts/host/host.js';
import type { Wire } from '../../hosts/host/namespace.js';
import type { Link } from '../../wire/link/link.js';
import { openPacketLink } from '../../wire/link/packet.js';
import type { Ran } from '../testbed/place.js';
import { linkTo, type RemoteDut } from '../testbed/remote-dut.js';

export interface Environment {
  readonly place: Ran['place'];
  readonly host: Host;
  readonly iface: string;
  readonly netns: string | undefined;
  /** The test that exports are made for. */
  readonly trial?: string | undefined;
  /** The initiator's side of the wire, the same for the whole run. */
  readonly link: Link;
  /** Milliseconds that a case may take. */
  readonly patience: number;
  /** What the target is to open for a backing file of ours. */
  pathOf(file: string): string;
  /** Whether `sync` takes long. */
  readonly isSlow: boolean;
  /** Has what the target wrote to the backing files seen here, and what was written here seen by the target. */
  sync(): Promise<void>;
  isUp(): Promise<boolean>;
  /** Brings it up, if it is down. */
  start(): Promise<void>;
  /** Ends it as a power cut does; undefined where that would be this machine. */
  readonly cutPower?: () => Promise<void>;
  /** What its kernel complained of so far, each complaint with its first lines. */
  trouble(): Promise<string[]>;
}

/** Milliseconds. */
const PATIENCE = 15_000;
/** The same where each look at the target goes over SSH. */
const FAR_PATIENCE = 60_000;

/** Of a machine that is up all the time, with the target's files where it sees them itself. */
const STANDING = {
  pathOf: (file: string) => file,
  sync: async () => {},
  isUp: async () => true,
  start: async () => {},
  trouble: async () => [],
};

/** This machine, with the target on a wire of its own. */
export async function localEnvironment(host: Host, wire: Wire): Promise<Environment> {
  const { netns } = wire;
  return {
    place: 'here',
    host,
    iface: wire.target,
    netns,
    link: await openPacketLink({ iface: wire.initiator, netns }),
    patience: PATIENCE,
    isSlow: false,
    ...STANDING,
  };
}

/** A host over SSH, with the target on an interface that this machine reaches by one of its own. */
export async function remoteEnvironment(dut: RemoteDut): Promise<Environment> {
  const { host, segment, spec } = dut;
  return {
    place: 'host',
    host,
    iface: segment.iface,
    netns: undefined,
    trial: spec.trial,
    link: await linkTo(segment),
    patience: FAR_PATIENCE,
    isSlow: true,
    ...STANDING,
  };
}
