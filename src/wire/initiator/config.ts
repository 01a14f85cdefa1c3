import type { Config } from '../aoe/index.js';

/** What query config tells. */
export interface TargetConfig {
  bufferCount: number;
  firmware: number;
  /** Most sectors the target takes in a frame; 0 if it does not say. */
  maxSectors: number;
  aoeVersion: number;
  configString: Buffer;
}

/** A copy of what an answer to query config says. */
export function targetConfig(config: Config): TargetConfig {
  return {
    bufferCount: config.bufferCount,
    firmware: config.firmware,
    maxSectors: config.sectorCount,
    aoeVersion: config.version,
    configString: Buffer.from(config.string),
  };
}

/**
 * Whether Linux's driver makes a device of such a target: it begins with half of its buffers (`addtgt` in aoecmd.c), and
 * to one with a single buffer it never sends anything.
 */
export function isUsableByLinux({ bufferCount }: Pick<TargetConfig, 'bufferCount'>): boolean {
  return bufferCount > 1;
}
