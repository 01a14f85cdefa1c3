import { rename, writeFile } from 'node:fs/promises';
import type { Counters } from './counters.js';

/** What a running native target tells of itself, in `status.json` of its folder. */
export interface DaemonStatus {
  pid: number;
  exports: {
    shelf: number;
    slot: number;
    iface: string;
    sectors: number;
    /** How frames and sectors go: "receive ring, sendmmsg, io_uring". */
    path: string;
    counters: Counters;
  }[];
  /** Exports that are not served yet, and why: their interface or file is not there. */
  waiting: { shelf: number; slot: number; iface: string; why: string }[];
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
