import { formatMac, type Identify, SECTOR } from '../aoe/index.js';
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
  };
}
