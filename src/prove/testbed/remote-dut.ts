/**
 * A place for a target on a host over SSH: an interface of that host, and one of this machine that reaches the same segment.
 * Others may be on both: addresses must be free, and what is made there ends with this process.
 */

import { LabError, UsageError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { requireInterface } from '../../hosts/host/interface.js';
import { here } from '../../hosts/host/local.js';
import { EntryStore, exportId } from '../../serve/exports/entry.js';
import type { Recovery } from '../../serve/exports/recover.js';
import type { ExportSpec } from '../../serve/exports/spec.js';
import { Trial } from '../../serve/exports/trial.js';
import { type Address, formatAddress, type Mac, parseMac } from '../../wire/aoe/index.js';
import { type Discovered, discover } from '../../wire/initiator/discover.js';
import type { Link } from '../../wire/link/link.js';
import { onlyFrom } from '../../wire/link/only-from.js';
import { openPacketLink } from '../../wire/link/packet.js';
import type { Testbed } from './testbed.js';

export interface Site {
  host: Host;
  /** Of the host. */
  iface: string;
  /** Of this machine: what it is heard and spoken to by. */
  wire: string;
  /** Told what killed commands had left on the host, and was recovered. */
  onRecovery?: ((recovery: Recovery) => void) | undefined;
}

/** A site that was looked at. */
export interface Segment extends Site {
  /** Of the host's interface. */
  mac: Mac;
  /** Bytes that a frame may carry on both sides. */
  mtu: number;
}

/** What nobody else uses, for the one target of a test. */
export const FREE_SHELF = 2784;

/** Milliseconds that answers may take. */
const WAIT = 600;
/** Tries until a target that has just been exported has to be heard. */
const TRIES = 5;

/**
 * Looks at both interfaces; changes nothing.
 * @param mtu bytes, at most
 * @throws as requireInterface
 */
export async function surveySegment(site: Site, mtu: number): Promise<Segment> {
  const [far, near] = await Promise.all([
    requireInterface(site.host, site.iface),
    requireInterface(here, site.wire, { verb: 'use' }),
  ]);
  return { ...site, mac: parseMac(far.mac) as Mac, mtu: Math.min(mtu, far.mtu, near.mtu) };
}

/** What to do where a target on a host is not heard. */
export function unheard(host: string): string[] {
  return [
    'name by --wire the interface of this machine that is on the same segment',
    `aoe-lab doctor --host ${host} tells whether filters keep AoE out there`,
  ];
}

/**
 * This machine's end of a segment, which hears the host's interface alone; it takes frames for all addresses.
 * @param etherType what it sends. Default: everything
 */
export async function linkTo({ wire: iface, mac }: Segment, etherType?: number): Promise<Link> {
  return onlyFrom(await openPacketLink({ iface, promiscuous: true }), mac, etherType);
}

/** @throws UsageError if somebody on a segment answers to one of these addresses */
export async function requireFree(segment: Segment, addresses: readonly Address[]): Promise<void> {
  for (const address of addresses) {
    const taken = await ask(segment, address);
    if (taken.length > 0) throw inTheWay(segment, taken, 'another test may be running: wait for its end');
  }
}

export class RemoteDut {
  readonly segment: Segment;
  readonly #trial: Trial;

  private constructor(segment: Segment, trial: Trial) {
    this.segment = segment;
    this.#trial = trial;
  }

  /**
   * Begins a trial there, which ends with the testbed.
   * @param purpose part of its name, such as `verify`
   */
  static async open(testbed: Pick<Testbed, 'later'>, segment: Segment, purpose: string): Promise<RemoteDut> {
    const trial = await Trial.begin(segment.host, purpose, segment.onRecovery);
    testbed.later(() => trial.end());
    return new RemoteDut(segment, trial);
  }

  get host(): Host {
    return this.segment.host;
  }

  /** On the host, for files. */
  get folder(): string {
    return this.#trial.folder;
  }

  /** Another one, on the file system of `parent`; removed like that. */
  folderIn(parent: string): Promise<string> {
    return this.#trial.folderIn(parent);
  }

  /** Options of the exports there. */
  get spec(): Pick<ExportSpec, 'iface' | 'trial'> {
    return { iface: this.segment.iface, trial: this.#trial.name };
  }

  /**
   * For tests that send what might harm others.
   * @param companions stations that may answer all the same
   * @throws UsageError if the host's interface serves other exports, or others answer on the segment
   */
  async requireAlone(companions: ReadonlySet<Mac>): Promise<void> {
    const { host, iface, mac } = this.segment;
    const entries = await (await EntryStore.open(host)).all();
    const others = entries.filter((entry) => entry.iface === iface && entry.netns === undefined);
    if (others.length > 0) {
      throw new UsageError({
        tried: `using ${iface} of ${host.name} for tests`,
        happened: `it serves ${others.map(exportId).join(', ')}, and the suite sends malformed frames and writes beside its own addresses`,
        next: 'take an interface or a VLAN of its own',
      });
    }
    const found = (await ask(this.segment)).filter((one) => {
      const station = parseMac(one.mac);
      return station === undefined || station === mac || !companions.has(station);
    });
    if (found.length > 0) throw inTheWay(this.segment, found, 'take a segment or a VLAN of its own');
  }

  /**
   * That an export is heard over the wire.
   * @throws LabError if it is not
   */
  async requireHeard(address: Address): Promise<Discovered> {
    const { host, iface, wire, mac } = this.segment;
    for (let tries = 0; tries < TRIES; tries++) {
      const found = await ask(this.segment, address);
      const ours = found.find((one) => parseMac(one.mac) === mac);
      if (ours !== undefined) return ours;
    }
    throw new LabError({
      tried: `asking for ${formatAddress(address)} on ${iface} of ${host.name} over ${wire}`,
      happened: 'no answer comes, though the target listens',
      next: unheard(host.name),
    });
  }
}

function inTheWay({ wire }: Segment, found: readonly Discovered[], next: string): UsageError {
  return new UsageError({
    tried: `using the segment of ${wire} for tests`,
    happened: `others answer there: ${found.map((one) => `${formatAddress(one)} from ${one.mac}`).join(', ')}`,
    next,
  });
}

async function ask({ wire }: Segment, address: Partial<Address> = {}): Promise<Discovered[]> {
  const link = await openPacketLink({ iface: wire });
  try {
    return await discover(link, { ...address, wait: WAIT });
  } finally {
    await link.close();
  }
}
