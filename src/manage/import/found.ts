/** What a set-up that somebody else made says, in the terms of a lab. */

import type { ExportOptions, RestartPolicy } from '../../serve/exports/entry.js';
import { parseMac, unusableAsSource } from '../../wire/aoe/ethernet.js';
import { LAST_SHELF, LAST_SLOT } from '../../wire/aoe/index.js';

/** What is told of an export wherever it was found; all of it is known of one that is taken over. */
interface ExportFacts {
  implementation: string;
  /** Where the configuration tells. Default: the recipe's. */
  release?: string;
  shelf: number;
  slot: number;
  iface: string;
  /** Named network namespace of the interface. */
  netns?: string;
  /** As written; absolute where it can be told. */
  path: string;
  /** A loop device is to be put between the file and the target. */
  loop?: boolean;
  options: ExportOptions;
  restart?: RestartPolicy;
  persist?: boolean;
}

export interface FoundExport extends ExportFacts {
  place: Place;
}

/** An export that can't be taken over, or not for sure: with what is known of it, for a person to complete. */
export interface LeftOut extends Partial<ExportFacts> {
  implementation: string;
  /** Undefined where they can't be told. */
  options?: ExportOptions;
  place: Place;
  /** Why, as a clause: "its options can't be told: -m $ALLOWED". */
  reason: string;
}

/** A line of a file, from 1; a file of the kernel's has none. */
export interface Place {
  file: string;
  line?: number;
}

/** What could not be taken over as it is. */
export interface Remark extends Place {
  text: string;
}

export interface Found {
  exports: FoundExport[];
  leftOut: LeftOut[];
  remarks: Remark[];
}

export function nothingFound(): Found {
  return { exports: [], leftOut: [], remarks: [] };
}

export function joined(found: readonly Found[]): Found {
  return {
    exports: found.flatMap(({ exports }) => exports),
    leftOut: found.flatMap(({ leftOut }) => leftOut),
    remarks: found.flatMap(({ remarks }) => remarks),
  };
}

/** `/etc/ggaoed.conf:7` */
export function placeOf({ file, line }: Place): string {
  return line === undefined ? file : `${file}:${line}`;
}

/** The place of a thing that has more than a place. */
export function at({ file, line }: Place): Place {
  return line === undefined ? { file } : { file, line };
}

const LAST = { shelf: LAST_SHELF, slot: LAST_SLOT };

/** @throws Doubt if it is no number that an address may have */
export function addressPart(part: 'shelf' | 'slot', text: string | undefined, place: Place): number {
  if (text === undefined || text === '') throw new Doubt(place, `it names no ${part}`);
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value <= LAST[part]) return value;
  throw new Doubt(place, `${part} ${JSON.stringify(text)} is not in 0…${LAST[part]}`);
}

/**
 * A whole number, decimal or hexadecimal. Leading zeros are octal to some programs and decimal to others.
 * @throws Doubt if it is none
 */
export function wholeNumber(name: string, text: string, min: number, place: Place): number {
  const value = /^(0|[1-9]\d{0,14}|0[xX][0-9a-fA-F]{1,12})$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min) return value;
  throw new Doubt(place, `${name} ${JSON.stringify(text)} is no number from ${min} on`);
}

/** `00:11:22:33:44:55` of what ether_aton(3) takes: leading zeros may be missing. */
export function normalMac(text: string): string | undefined {
  const parts = text.split(':');
  if (parts.length !== 6 || !parts.every((part) => /^[0-9a-fA-F]{1,2}$/.test(part))) return undefined;
  return parts.map((part) => part.toLowerCase().padStart(2, '0')).join(':');
}

/** Why a list of initiators that names an address can't be said in a lab; undefined if it can. */
export function unusable(mac: string): string | undefined {
  return unusableAsSource(parseMac(mac) ?? 0);
}

/** Why an export can't be taken over for sure; thrown where it is noticed, and kept by `attempt`. */
export class Doubt extends Error {
  readonly place: Place;

  constructor(place: Place, reason: string) {
    super(reason);
    this.place = at(place);
  }
}

/**
 * Reads one export. What is known of it is put into the draft as it becomes known; the first doubt leaves it out with that.
 */
export function attempt(
  found: Found,
  draft: Draft,
  read: (draft: Draft) => FoundExport | FoundExport[],
): void {
  try {
    found.exports.push(...[read(draft)].flat());
  } catch (error) {
    if (!(error instanceof Doubt)) throw error;
    found.leftOut.push({ ...draft, place: error.place, reason: error.message });
  }
}

export type Draft = Omit<LeftOut, 'reason'>;
