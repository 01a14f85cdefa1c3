import { formatMac, type Identify, SECTOR } from '../aoe/index.js';
import { isUsableByLinux } from './config.js';
import type { StrayReport } from './strays.js';
import type { Target } from './target.js';

/** All that a target says of itself, as `identify --json` shows it. */
export interface TargetFacts extends Identify {
  shelf: number;
  slot: number;
  mac: string;
  bufferCount: number;
  firmware: number;
  maxSectors: number;
  aoeVersion: number;
  configString: string;
  sectors: number;
  bytes: number;
  /** Sectors that go into a frame on this link. */
  sectorsPerFrame: number;
  /** Whether Linux's driver makes a device of it. */
  usableByLinux: boolean;
  strays: StrayReport;
}

/** @throws LabError if it does not answer */
export async function describeTarget(target: Target): Promise<TargetFacts> {
  const identity = await target.identify();
  const sectors = await target.sectors();
  const { configString, ...config } = target.config;
  return {
    ...target.address,
    mac: formatMac(target.mac),
    ...config,
    configString: configString.toString(),
    ...identity,
    sectors,
    bytes: sectors * SECTOR,
    sectorsPerFrame: target.sectorsPerFrame,
    usableByLinux: isUsableByLinux(config),
    strays: target.strays,
  };
}
