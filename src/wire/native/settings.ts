import { readFile } from 'node:fs/promises';
import { UsageError } from '../../base/errors.js';
import type { ExpectedDisk, ExpectedFile } from '../../base/identity.js';
import { parseJson } from '../../base/json.js';
import { LAST_SHELF, LAST_SLOT, type Mac, parseMac } from '../aoe/index.js';

/** One export of the configuration. */
export interface ExportSettings {
  shelf: number;
  slot: number;
  iface: string;
  path: string;
  /** By which what is kept of it is known. Default: the path. */
  keptAs: string;
  readOnly: boolean;
  macs: Mac[];
  broadcast: boolean;
  /** Config string, mask list and reservation can't be changed over the wire. */
  locked: boolean;
  /** The last order to clear mask list and reservation: it is carried out once. */
  accessCleared: string | undefined;
  directIo: boolean;
  sync: boolean;
  bufferCount: number | undefined;
  /** ATA serial number; default: from the host's machine-id and the file's identity. */
  serial: string | undefined;
  /** What `serial` was given to: another file gets the default. */
  file: ExpectedFile | undefined;
  /** Requests under way at the backing store. */
  queueLength: number | undefined;
  /** `any`: links in folders that somebody else may write to are followed as well. */
  links: 'any' | undefined;
  /** What its disk must be, where that can tell. */
  disk: ExpectedDisk | undefined;
  /** Sectors. */
  offset: number | undefined;
  length: number | undefined;
}

/** An export that is not served for now, whose config string, mask list and reservation stay. */
export type RetainedSettings = Pick<ExportSettings, 'shelf' | 'slot' | 'keptAs'>;

export interface Settings {
  exports: ExportSettings[];
  retained: RetainedSettings[];
  /** False: frames by recvmmsg although the kernel has rings. Taken at the start only. */
  ring: boolean;
  /** False: the medium by threads although the kernel has io_uring. Taken at the start only. */
  uring: boolean;
}

/**
 * Reads a configuration: `{"exports": [{"shelf", "slot", "iface", "path", and where asked for "readOnly", "macs", "broadcast",
 * "directIo", "sync", "bufferCount", "queueLength", "offset", "length", "serial", "file", "links", "disk", "locked", "accessCleared",
 * "keptAs"}], "retained": [{"shelf", "slot", "keptAs"}], "ring", "uring"}`; what is null counts as left out.
 * @throws UsageError with every fault
 */
export async function readSettings(file: string): Promise<Settings> {
  const tried = `reading the configuration ${file}`;
  let value: unknown;
  try {
    value = parseJson(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new UsageError({ tried, happened: (cause as Error).message, cause });
  }
  const faults: string[] = [];
  const settings = parseSettings(value, faults);
  if (faults.length > 0) throw new UsageError({ tried, happened: faults });
  return settings;
}

/** @param faults receives what can't be meant */
export function parseSettings(value: unknown, faults: string[]): Settings {
  const list = (value as { exports?: unknown } | null)?.exports;
  if (!Array.isArray(list)) {
    faults.push('exports: it has to be a list');
    return { exports: [], retained: [], ring: true, uring: true };
  }
  const choice = (name: 'ring' | 'uring'): boolean => {
    const field = (value as Record<string, unknown>)[name] ?? true;
    if (typeof field !== 'boolean') faults.push(`${name}: true or false`);
    return field !== false;
  };
  const exports = list.map((one, index) => parseExport(one, `exports[${index}]`, faults));
  const seen = new Set<string>();
  for (const { shelf, slot, iface } of exports) {
    const name = `e${shelf}.${slot} on ${iface}`;
    if (seen.has(name)) faults.push(`${name} is there twice`);
    seen.add(name);
  }
  const retained = parseRetained((value as { retained?: unknown }).retained ?? [], faults);
  return { exports, retained, ring: choice('ring'), uring: choice('uring') };
}

function parseRetained(value: unknown, faults: string[]): RetainedSettings[] {
  const isOne = (one: Partial<RetainedSettings> | null): one is RetainedSettings =>
    Number.isInteger(one?.shelf) && Number.isInteger(one?.slot) && typeof one?.keptAs === 'string';
  if (Array.isArray(value) && value.every(isOne)) return value;
  faults.push('retained: it has to be a list of shelf, slot and keptAs (a text)');
  return [];
}

/** What IDENTIFY DEVICE has room for. */
const SERIAL = /^[!-~]([ -~]{0,18}[!-~])?$/;

function parseExport(value: unknown, where: string, faults: string[]): ExportSettings {
  const fields = new Map(Object.entries(value !== null && typeof value === 'object' ? value : {}));
  const take = (name: string): unknown => {
    const field = fields.get(name);
    return field === null ? undefined : field;
  };
  const number = (name: string, min: number, max: number): number | undefined => {
    const field = take(name);
    if (field === undefined) return undefined;
    if (typeof field === 'number' && Number.isInteger(field) && field >= min && field <= max) return field;
    faults.push(`${where}.${name}: ${JSON.stringify(field)} is no number from ${min} to ${max}`);
    return undefined;
  };
  const needed = (name: string, max: number): number => {
    if (take(name) === undefined) faults.push(`${where}.${name}: it is missing`);
    return number(name, 0, max) ?? 0;
  };
  const text = (name: string, otherwise?: string): string => {
    const field = take(name) ?? otherwise;
    if (typeof field === 'string' && field !== '') return field;
    faults.push(`${where}.${name}: it has to be a text`);
    return '';
  };
  const flag = (name: string): boolean => {
    const field = take(name);
    if (field !== undefined && typeof field !== 'boolean') faults.push(`${where}.${name}: true or false`);
    return field === true;
  };
  const serial = (): string | undefined => {
    const field = take('serial');
    if (field === undefined || (typeof field === 'string' && SERIAL.test(field))) return field;
    faults.push(`${where}.serial: ${JSON.stringify(field)} is not 1 to 20 printable ASCII characters`);
    return undefined;
  };
  const cleared = (): string | undefined => {
    const field = take('accessCleared');
    if (field === undefined || (typeof field === 'string' && field !== '')) return field;
    faults.push(`${where}.accessCleared: a text, or left out`);
    return undefined;
  };
  const links = (): 'any' | undefined => {
    const field = take('links');
    if (field === undefined || field === 'any') return field;
    faults.push(`${where}.links: "any", or left out`);
    return undefined;
  };
  const disk = (): ExpectedDisk | undefined => {
    const field = take('disk');
    if (field === undefined) return undefined;
    const facts = (field as Partial<ExpectedDisk>).facts ?? null;
    if (typeof facts === 'object' && facts !== null) return field as ExpectedDisk;
    faults.push(`${where}.disk: it has to tell facts`);
    return undefined;
  };
  const file = (): ExpectedFile | undefined => {
    const field = take('file');
    if (field === undefined) return undefined;
    const { inode, birth = null } = field as Partial<ExpectedFile>;
    if (typeof inode === 'string' && (birth === null || typeof birth === 'number')) return { inode, birth };
    faults.push(`${where}.file: it has to tell inode (a text) and birth (seconds since 1970, or null)`);
    return undefined;
  };
  const macs = (): Mac[] => {
    const field = take('macs') ?? [];
    if (!Array.isArray(field)) {
      faults.push(`${where}.macs: it has to be a list`);
      return [];
    }
    return field.flatMap((one) => {
      const mac = typeof one === 'string' ? parseMac(one) : undefined;
      if (mac === undefined) faults.push(`${where}.macs: ${JSON.stringify(one)} is no MAC address`);
      return mac === undefined ? [] : [mac];
    });
  };
  const path = text('path');
  return {
    shelf: needed('shelf', LAST_SHELF),
    slot: needed('slot', LAST_SLOT),
    iface: text('iface'),
    path,
    keptAs: path === '' ? '' : text('keptAs', path),
    readOnly: flag('readOnly'),
    macs: macs(),
    broadcast: flag('broadcast'),
    locked: flag('locked'),
    accessCleared: cleared(),
    directIo: flag('directIo'),
    sync: flag('sync'),
    bufferCount: number('bufferCount', 1, 65535),
    serial: serial(),
    file: file(),
    links: links(),
    disk: disk(),
    queueLength: number('queueLength', 1, 65535),
    offset: number('offset', 0, Number.MAX_SAFE_INTEGER),
    length: number('length', 1, Number.MAX_SAFE_INTEGER),
  };
}
