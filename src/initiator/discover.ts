import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Address,
  ALL_SHELVES,
  ALL_SLOTS,
  BROADCAST,
  ConfigCommand,
  type ConfigFrame,
  formatMac,
  HeaderFlag,
  identifiedSectors,
  MIN_FRAME,
} from '../aoe/index.js';
import type { Link } from '../link/link.js';
import { initiatorOf } from './initiator.js';
import { Requests } from './requests.js';
import { Target, targetConfig } from './target.js';

export interface DiscoverOptions {
  /** Only this shelf, or slot, is asked. */
  shelf?: number | undefined;
  slot?: number | undefined;
  /** Milliseconds to wait for answers; default 500. */
  wait?: number | undefined;
}

/** A target that answered, as `discover --json` shows it. What identifies the device is null if it did not tell. */
export interface Discovered {
  shelf: number;
  slot: number;
  /** "02:00:00:00:00:01" */
  mac: string;
  bufferCount: number;
  firmware: number;
  /** Most sectors it takes in a frame. */
  maxSectors: number;
  aoeVersion: number;
  configString: string;
  /** Of 512 bytes. */
  sectors: number | null;
  model: string | null;
  serial: string | null;
  firmwareRevision: string | null;
  lba48: boolean | null;
  /** Why it could not be identified. */
  fault: string | null;
}

const DEFAULT_WAIT = 500;
/** The query is sent this often while waiting, so that one lost frame hides nobody. */
const REPEATS = 3;
const LEAST_IDENTIFY_TIME = 2000;

/**
 * Asks all targets on a link to tell who they are. One that answers from two addresses is listed twice.
 *
 * @returns sorted by shelf, slot and MAC; empty if none answers
 */
export async function discover(link: Link, options: DiscoverOptions = {}): Promise<Discovered[]> {
  const wait = options.wait ?? DEFAULT_WAIT;
  const targets = await collectTargets(link, options, wait);
  const found = await Promise.all(
    targets.map((target) => describe(target, Math.max(wait, LEAST_IDENTIFY_TIME))),
  );
  return found.sort((a, b) => a.shelf - b.shelf || a.slot - b.slot || (a.mac < b.mac ? -1 : 1));
}

async function collectTargets(link: Link, options: DiscoverOptions, wait: number): Promise<Target[]> {
  const address: Address = { shelf: options.shelf ?? ALL_SHELVES, slot: options.slot ?? ALL_SLOTS };
  const bytes = Buffer.alloc(MIN_FRAME);
  new Requests(link.mac, BROADCAST, address).config(bytes, ConfigCommand.read);
  const targets = new Map<string, Target>();
  const query = initiatorOf(link).collect(bytes, (frame) => {
    if (frame.kind !== 'config' || frame.header.flags & HeaderFlag.error || !isAsked(frame, options)) return;
    const { major: shelf, minor: slot } = frame.header;
    const { source } = frame.ethernet;
    const key = `${shelf}.${slot}@${source}`;
    if (targets.has(key)) return;
    targets.set(key, new Target(link, { shelf, slot }, source, targetConfig(frame.config)));
  });
  try {
    for (let round = 0; round < REPEATS; round++) {
      query.repeat();
      await sleep(wait / REPEATS);
    }
  } finally {
    query.stop();
  }
  return [...targets.values()];
}

function isAsked({ header }: ConfigFrame, { shelf, slot }: DiscoverOptions): boolean {
  return (shelf ?? header.major) === header.major && (slot ?? header.minor) === header.minor;
}

async function describe(target: Target, timeout: number): Promise<Discovered> {
  const { address, mac, config } = target;
  const { configString, ...numbers } = config;
  const known = { ...address, mac: formatMac(mac), ...numbers, configString: configString.toString() };
  try {
    const identity = await target.identify(timeout);
    return {
      ...known,
      sectors: identifiedSectors(identity),
      model: identity.model,
      serial: identity.serial,
      firmwareRevision: identity.firmwareRevision,
      lba48: identity.lba48,
      fault: null,
    };
  } catch (error) {
    const nothing = { sectors: null, model: null, serial: null, firmwareRevision: null, lba48: null };
    return { ...known, ...nothing, fault: (error as Error).message };
  }
}
