import { UsageError } from './errors.js';

const UNITS = ['', 'K', 'M', 'G', 'T', 'P'];

/**
 * Bytes of a size as people write it: `4096`, `512K`, `64M`, `1.5G` (powers of 1024; a `B` or `iB` behind is ignored).
 * @throws UsageError if it is none, or no whole number of bytes
 */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([KMGTP]?)(?:i?B)?$/i.exec(text.trim());
  const bytes =
    match === null ? Number.NaN : Number(match[1]) * 1024 ** UNITS.indexOf((match[2] ?? '').toUpperCase());
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new UsageError({
    tried: `reading the size "${text}"`,
    happened: match === null ? 'it is none' : 'it is no whole number of bytes below 8 PiB',
    next: 'write bytes, or a number with K, M, G or T (powers of 1024), such as 256M',
  });
}

/** A size as people read it, `256 MiB`; exact where it is a whole number of the unit, else with one decimal. */
export function formatSize(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const number = Number.isInteger(value) ? String(value) : value.toFixed(1);
  return `${number} ${UNITS[unit] ?? ''}${unit === 0 ? '' : 'i'}B`;
}

/** "1 sector", "8 sectors" */
export function counted(number: number, unit: string): string {
  return `${number} ${unit}${number === 1 ? '' : 's'}`;
}
