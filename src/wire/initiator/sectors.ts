import { SECTOR } from '../aoe/index.js';

/** AoE and ATA headers: what they leave of the MTU is for data. */
export const HEADERS = 22;
/** What every target takes, also one that does not say. */
const LEAST_SECTORS = 2;

/**
 * Sectors in a frame, as both ends allow.
 * @param mtu of the link, in bytes @param maxSectors of the target; 0 if it does not say
 * @returns 0 if the link carries no sector at all
 */
export function fittingSectors(mtu: number, maxSectors: number): number {
  const fit = Math.max(0, Math.floor((mtu - HEADERS) / SECTOR));
  return Math.min(fit, maxSectors || LEAST_SECTORS, 255);
}
