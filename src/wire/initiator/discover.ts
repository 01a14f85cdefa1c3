import pLimit from 'p-limit';
import { formatMac, identifiedSectors } from '../aoe/index.js';
import type { Link } from '../link/link.js';
import { isUsableByLinux, type TargetConfig } from './config.js';
import { distinctDisks, type Station } from './disks.js';
import { sectorsThatPass } from './frames.js';
import { fittingSectors } from './sectors.js';
import { MOST_STATIONS, whoAnswers } from './who-answers.js';

export interface DiscoverOptions {
  /** Only this shelf, or slot, is asked. */
  shelf?: number | undefined;
  slot?: number | undefined;
  /** Milliseconds to wait for answers. Default: 500. */
  wait?: number | undefined;
  /** Find out the largest frame that passes, by reading from each target. Default: false. */
  frames?: boolean | undefined;
}

/** Another station that answers for the same address. */
export interface SameAddress {
  /** "02:00:00:00:00:02" */
  mac: string;
  /** Whether its disk is the same one, so that both are paths to it; `unknown` if one of them did not tell. */
  disk: 'same' | 'another' | 'unknown';
}

/** A station that answered, as `discover --json` shows it. What it did not tell is null. */
export interface Discovered {
  shelf: number;
  slot: number;
  /** "02:00:00:00:00:01" */
  mac: string;
  bufferCount: number | null;
  firmware: number | null;
  /** Most sectors it takes in a frame. */
  maxSectors: number | null;
  aoeVersion: number | null;
  configString: string | null;
  /** Of 512 bytes. */
  sectors: number | null;
  model: string | null;
  serial: string | null;
  firmwareRevision: string | null;
  lba48: boolean | null;
  /** Why it could not be identified, or its configuration not be read. */
  fault: string | null;
  /** Whether Linux's driver makes a device of it. */
  usableByLinux: boolean | null;
  /** Sectors of the largest frame that its ends allow. */
  sectorsPerFrame: number | null;
  /** Sectors of the largest frame that passes; null if that was not tried. */
  sectorsThatPass: number | null;
  sameAddress: SameAddress[];
}

const DEFAULT_WAIT = 500;
/** Targets whose frames are tried at the same time, and milliseconds after which no further ones are. */
const TRIALS = 16;
const TRIAL_TIME = 3000;

/**
 * Asks all targets on a link to tell who they are. One that answers from two addresses is listed twice.
 *
 * @returns sorted by shelf, slot and MAC; at most 1,000; empty if none answers
 * @throws LabError if the link can't send any more
 */
export async function discover(link: Link, options: DiscoverOptions = {}): Promise<Discovered[]> {
  const { shelf, slot, wait = DEFAULT_WAIT } = options;
  const stations = await whoAnswers(link, { shelf, slot }, { wait, identify: true });
  const passing = options.frames ? await tryFrames(stations) : new Map<Station, number>();
  const found = stations.map((station) => ({
    ...describe(station),
    sectorsThatPass: passing.get(station) ?? null,
    sameAddress: sameAddress(station, stations),
  }));
  return found.sort((a, b) => a.shelf - b.shelf || a.slot - b.slot || (a.mac < b.mac ? -1 : 1));
}

/** Whether more may have answered than are listed. */
export function isCutShort(found: readonly Discovered[]): boolean {
  return found.length >= MOST_STATIONS;
}

async function tryFrames(stations: readonly Station[]): Promise<Map<Station, number>> {
  const limit = pLimit(TRIALS);
  const started = performance.now();
  const passing = new Map<Station, number>();
  const attempt = async (station: Station): Promise<void> => {
    const { link, mac, identity, config } = station;
    const most = fittingSectors(link.mtu, config?.maxSectors ?? 0);
    if (config === undefined || identity === undefined || performance.now() - started > TRIAL_TIME) return;
    const trial = { link, address: station, mac, identity, bufferCount: config.bufferCount, most };
    const count = await sectorsThatPass(trial);
    if (count !== undefined) passing.set(station, count);
  };
  await Promise.all(stations.map((station) => limit(() => attempt(station))));
  return passing;
}

function sameAddress(station: Station, stations: readonly Station[]): SameAddress[] {
  const others = stations.filter(
    (other) => other !== station && other.shelf === station.shelf && other.slot === station.slot,
  );
  return others.map((other) => {
    const isKnown = station.identity !== undefined && other.identity !== undefined;
    const isSame = distinctDisks([station, other]).length === 1;
    return { mac: formatMac(other.mac), disk: isSame ? 'same' : isKnown ? 'another' : 'unknown' };
  });
}

function describe(station: Station): Omit<Discovered, 'sectorsThatPass' | 'sameAddress'> {
  const { link, shelf, slot, mac, config, identity, fault } = station;
  return {
    shelf,
    slot,
    mac: formatMac(mac),
    ...describeConfig(config),
    sectors: identity ? identifiedSectors(identity) : null,
    model: identity?.model ?? null,
    serial: identity?.serial ?? null,
    firmwareRevision: identity?.firmwareRevision ?? null,
    lba48: identity?.lba48 ?? null,
    fault: fault?.message ?? null,
    usableByLinux: config ? isUsableByLinux(config) : null,
    sectorsPerFrame: config ? fittingSectors(link.mtu, config.maxSectors) : null,
  };
}

function describeConfig(
  config: TargetConfig | undefined,
): Pick<Discovered, 'bufferCount' | 'firmware' | 'maxSectors' | 'aoeVersion' | 'configString'> {
  if (config === undefined) {
    return { bufferCount: null, firmware: null, maxSectors: null, aoeVersion: null, configString: null };
  }
  return { ...config, configString: config.configString.toString() };
}
