import { UsageError } from '../../base/errors.js';
import { LAST_SHELF, LAST_SLOT } from './constants.js';

/** A target's name on the wire: AoE major and minor. */
export interface Address {
  /** 0 to 65534. */
  shelf: number;
  /** 0 to 254. */
  slot: number;
}

/** "e0.1" */
export function formatAddress({ shelf, slot }: Address): string {
  return `e${shelf}.${slot}`;
}

/**
 * Reads "e0.1" (or "0.1").
 * @throws UsageError if it is none, or names the addresses that mean "all"
 */
export function parseAddress(text: string): Address {
  const match = /^e?(\d{1,5})\.(\d{1,3})$/.exec(text);
  const shelf = Number(match?.[1]);
  const slot = Number(match?.[2]);
  if (!match || shelf > LAST_SHELF || slot > LAST_SLOT) {
    throw new UsageError({
      tried: `reading the address "${text}"`,
      happened: 'it is no address of a target',
      next: `write eSHELF.SLOT with a shelf of 0 to ${LAST_SHELF} and a slot of 0 to ${LAST_SLOT}: e0.1`,
    });
  }
  return { shelf, slot };
}
