import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { startTicks } from '../../base/process-start.js';
import type { Counters } from './counters.js';
import { describeFault, type FaultCount } from './io-faults.js';

/** What a running native target tells of itself, in `status.json` of its folder. */
export interface DaemonStatus {
  pid: number;
  /** Boot and start of its process, which has written this: an id alone is another's after a reboot. */
  began?: string;
  /** Milliseconds since 1970; there where it was asked for by USR2. */
  at?: number;
  exports: {
    shelf: number;
    slot: number;
    iface: string;
    /** As its clients are told: of the file or device as it is now. */
    sectors: number;
    serial: string;
    /** How frames and sectors go: "receive ring, sendmmsg, io_uring". */
    datapath: string;
    /** The file (`DEV:INODE`) or device (`MAJOR:MINOR`) that it has open; earlier versions did not tell. */
    opened?: string;
    counters: Counters;
    /** When reads (but those at its beginning), writes or flushes were last seen, in milliseconds since 1970; absent: never. */
    usedAt?: number;
    /** Seconds for which its disk has answered nothing; absent where it answers. */
    stuck?: number;
    /** Stations that its interface limits; absent where all frames pass. */
    limits?: ToldLimits;
    /** What failed at its disk. */
    faults: FaultCount[];
    /** What initiators have set, as far as it is kept, and whether they may; earlier versions did not tell. */
    access?: ToldAccess;
  }[];
  /** Exports that are not served yet, and why: their interface or file is not there, or their disk does not answer. */
  waiting: { shelf: number; slot: number; iface: string; why: string }[];
}

/** Part of the frames that passes: of stations, and of all that were not heard before together. */
export interface ToldLimits {
  stations: { mac: string; part: number }[];
  others: number;
}

export interface ToldAccess {
  /** Base64. */
  configString: string;
  /** As `00:11:22:33:44:55`. */
  masks: string[];
  reservation: string[];
  locked: boolean;
  /** The last order to clear the latter two that it has carried out. */
  cleared?: string;
}

/** `BOOT TICKS` of this process; undefined where the system does not tell. */
export function ownStart(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${startTicks(readFileSync('/proc/self/stat', 'utf8'))}`;
  } catch {
    return undefined;
  }
}

/** What is wrong with an export as its target tells, each a sentence. */
export function toldFaults(told: Partial<DaemonStatus['exports'][number]>): string[] {
  const { stuck, faults = [] } = told;
  return [
    ...(stuck === undefined ? [] : [describeSilence(stuck)]),
    ...faults.map((fault) => `its disk has a fault: ${describeFault(fault)}`),
  ];
}

/** @param seconds for which a disk has answered nothing */
export function describeSilence(seconds: number): string {
  return `stuck: no answer from its disk for ${seconds} s`;
}

let last = '';

/** Replaces the file, if there is anything new to tell; a file that can't be written is no reason to stop serving. */
export async function writeStatus(file: string, status: DaemonStatus): Promise<void> {
  const text = `${JSON.stringify(status)}\n`;
  if (text === last) return;
  last = text;
  try {
    await writeFile(`${file}.tmp`, text, { mode: 0o600 });
    await rename(`${file}.tmp`, file);
  } catch {
    last = '';
  }
}
