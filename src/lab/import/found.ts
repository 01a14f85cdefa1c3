/** What a set-up that somebody else made says, in the terms of a lab. */
import type { ExportOptions } from '../../target/entry.js';
import type { RestartPolicy } from '../../target/supervise.js';

export interface FoundExport {
  implementation: string;
  /** Where the configuration tells; the default release otherwise. */
  release?: string;
  shelf: number;
  slot: number;
  iface: string;
  /** As written; absolute where it can be told. */
  path: string;
  options: ExportOptions;
  restart?: RestartPolicy;
  persist?: boolean;
  place: Place;
}

/** A line of a file, from 1; a file of the kernel's has none. */
export interface Place {
  file: string;
  line?: number;
}

/** What could not be taken over as it is, or at all. */
export interface Remark extends Place {
  text: string;
}

export interface Found {
  exports: FoundExport[];
  remarks: Remark[];
}

/** `/etc/ggaoed.conf:7` */
export function placeOf({ file, line }: Place): string {
  return line === undefined ? file : `${file}:${line}`;
}

/** Largest addresses that are not broadcast (AoE revision 11). */
const MAX = { shelf: 0xfffe, slot: 0xfe };

/**
 * A number that may be an address's part.
 * @returns undefined, and a remark, if it is none
 */
export function addressPart(
  part: 'shelf' | 'slot',
  text: string,
  place: Place,
  remarks: Remark[],
): number | undefined {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value <= MAX[part]) return value;
  remarks.push({ ...place, text: `${part} ${JSON.stringify(text)} is not in 0…${MAX[part]}: left out` });
  return undefined;
}

/** A whole number within a range; a remark otherwise. */
export function wholeNumber(
  name: string,
  text: string,
  min: number,
  place: Place,
  remarks: Remark[],
): number | undefined {
  const value = /^(\d{1,15}|0[xX][0-9a-fA-F]{1,12})$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min) return value;
  remarks.push({ ...place, text: `${name} ${JSON.stringify(text)} is no number from ${min} on: left out` });
  return undefined;
}

/** `00:11:22:33:44:55` of what ether_aton(3) takes: leading zeros may be missing. */
export function normalMac(text: string): string | undefined {
  const parts = text.trim().split(/[:-]/);
  if (parts.length !== 6 || !parts.every((part) => /^[0-9a-fA-F]{1,2}$/.test(part))) {
    const digits = text.trim().toLowerCase();
    return /^[0-9a-f]{12}$/.test(digits) ? (digits.match(/../g) as string[]).join(':') : undefined;
  }
  return parts.map((part) => part.toLowerCase().padStart(2, '0')).join(':');
}
