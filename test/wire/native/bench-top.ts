/** A target on a table: requests go in as bytes, answers come out as frames. */
import {
  AOE_VERSION,
  type AtaFrame,
  buildFrame,
  type ConfigFrame,
  type EthernetHeader,
  type Frame,
  type Mac,
  type MaskDirective,
  type MaskFrame,
  parseFrame,
  type ReserveFrame,
} from '../../../src/wire/aoe/index.js';
import type { Backing } from '../../../src/wire/native/backing.js';
import { MemoryBacking } from '../../../src/wire/native/backing.js';
import { newCounters } from '../../../src/wire/native/counters.js';
import { IoFaults } from '../../../src/wire/native/io-faults.js';
import { Medium } from '../../../src/wire/native/medium.js';
import type { Served } from '../../../src/wire/native/served.js';
import { NO_STATE, type TargetState } from '../../../src/wire/native/state.js';
import { Forgetful, type StateKeeper } from '../../../src/wire/native/state-store.js';
import { Station } from '../../../src/wire/native/station.js';
import { NativeTarget, type TargetSettings } from '../../../src/wire/native/target.js';
import { WriteOrder } from '../../../src/wire/native/write-order.js';

export const OURS: Mac = 0x02_00_00_00_00_01;
export const THEIRS: Mac = 0x02_00_00_00_00_02;
export const OTHERS: Mac = 0x02_00_00_00_00_03;
export const ADDRESS = { shelf: 7, slot: 3 };
export const SECTORS = 4096;
/** As many as an MTU of 1500 holds. */
export const MAX_SECTORS = 2;

export interface Table {
  served: Served;
  disk: Buffer;
  station: Station;
  /** The bytes that have left. */
  sent: Buffer[];
  /** Hands frames in, waits until all is answered, and gives the answers. */
  ask(...requests: (Frame | Buffer)[]): Promise<Frame[]>;
}

export interface TableOptions extends Partial<TargetSettings> {
  state?: TargetState;
  keeper?: StateKeeper;
  backing?: Backing;
  maxSectors?: number;
}

export function table(options: TableOptions = {}): Table {
  const disk = Buffer.alloc(SECTORS * 512);
  for (let sector = 0; sector < SECTORS; sector++) disk.writeUInt32BE(sector, sector * 512);
  const served: Served = {
    target: new NativeTarget({ address: ADDRESS, serial: 'S-1', ...options }, SECTORS, options.state),
    backing: options.backing ?? new MemoryBacking(disk),
    keeper: options.keeper ?? new Forgetful(options.state ?? NO_STATE),
    order: new WriteOrder(),
    counters: newCounters(),
    trials: { count: 0 },
    medium: new Medium(),
    faults: new IoFaults(),
  };
  const sent: Buffer[] = [];
  const port = { mac: OURS, maxSectors: options.maxSectors ?? MAX_SECTORS };
  const station = new Station(port, (frame) => {
    sent.push(Buffer.from(frame));
    return true;
  });
  station.served = [served];
  const ask = async (...requests: (Frame | Buffer)[]): Promise<Frame[]> => {
    const before = sent.length;
    for (const request of requests) station.handle(Buffer.isBuffer(request) ? request : buildFrame(request));
    await station.idle();
    return sent.slice(before).map((bytes) => {
      const frame = parseFrame(bytes);
      if (frame.kind === 'fault') throw new Error(`an answer can't be read: ${frame.field} ${frame.reason}`);
      return frame;
    });
  };
  return { served, disk, station, sent, ask };
}

interface Envelope {
  from?: Mac;
  to?: Mac;
  shelf?: number;
  slot?: number;
  version?: number;
  flags?: number;
  tag?: number;
}

function envelope(command: number, { from, to, shelf, slot, version, flags, tag }: Envelope) {
  const ethernet: EthernetHeader = { destination: to ?? OURS, source: from ?? THEIRS };
  const header = {
    version: version ?? AOE_VERSION,
    flags: flags ?? 0,
    error: 0,
    major: shelf ?? ADDRESS.shelf,
    minor: slot ?? ADDRESS.slot,
    command,
    tag: tag ?? 0x1234_5678,
  };
  return { ethernet, header };
}

export interface AtaOptions extends Envelope {
  flags6?: number;
  count?: number;
  lba?: number;
  data?: Buffer;
}

/** @param aflags see AtaFlag */
export function ata(command: number, aflags: number, options: AtaOptions = {}): AtaFrame {
  return {
    ...envelope(0, options),
    kind: 'ata',
    ata: {
      flags: aflags,
      errFeature: 0,
      count: options.count ?? 1,
      cmdStatus: command,
      lba: options.lba ?? 0,
    },
    data: options.data ?? Buffer.alloc(0),
  };
}

export function config(ccmd: number, string = '', options: Envelope = {}): ConfigFrame {
  return {
    ...envelope(1, options),
    kind: 'config',
    config: { bufferCount: 0, firmware: 0, sectorCount: 0, version: 0, ccmd, string: Buffer.from(string) },
  };
}

export function mask(mcmd: number, directives: MaskDirective[] = [], options: Envelope = {}): MaskFrame {
  return { ...envelope(2, options), kind: 'mask', mask: { mcmd, merror: 0, directives } };
}

export function reserve(rcmd: number, macs: Mac[] = [], options: Envelope = {}): ReserveFrame {
  return { ...envelope(3, options), kind: 'reserve', reserve: { rcmd, macs } };
}

export function raw(command: number, options: Envelope = {}): Frame {
  return { ...envelope(command, options), kind: 'unknown', body: Buffer.alloc(0) };
}
