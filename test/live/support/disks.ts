/** Exports of files that are told apart by what they begin with. */
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExportStatus, StatusReport } from '../../../src/serve/exports/status-report.js';
import { cliHere, jsonHere } from './cli.js';
import { askFrom, exportOn } from './export.js';
import type { TestWire } from './wire.js';

/** `export` by native of a file by its name. */
export function exporting(wire: TestWire, slot: number, file: string, ...more: string[]): string[] {
  const args = exportOn(wire, 'native', slot, ...more);
  args[args.indexOf('--file') + 1] = file;
  return args;
}

/** A file that begins with a text. */
export async function image(path: string, text: string, size = 1 << 20): Promise<string> {
  await writeFile(path, text);
  await truncate(path, size);
  return path;
}

/** The first bytes that an initiator reads of e0.SLOT. */
export async function firstBytes(wire: TestWire, slot: number, length: number): Promise<string> {
  const output = join(wire.folder, `read-${slot}-${Math.random()}`);
  const args = ['read', `e0.${slot}`, ...askFrom(wire), '--length', '512', '--output', output];
  const { exitCode, stderr } = await cliHere(args, wire.env);
  if (exitCode !== 0) throw new Error(stderr);
  return (await readFile(output)).subarray(0, length).toString();
}

export async function statusOf(wire: TestWire, slot: number): Promise<ExportStatus> {
  const { exports } = await jsonHere<StatusReport>(['status'], wire.env);
  const one = exports.find((entry) => entry.slot === slot);
  if (one === undefined) throw new Error(`e0.${slot} is not there`);
  return one;
}
