import { buildFrame, type Frame, type Mac } from '../../src/wire/aoe/index.js';

/** Numbers from 0 up to (not including) `below`, the same for the same seed. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  roll(below: number): number {
    // xorshift32
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % below;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.roll(from.length)] as T;
  }
}

export const TARGET: Mac = 0x02_00_00_00_00_02;
export const INITIATOR: Mac = 0x02_00_00_00_00_01;
export const ADDRESS = { shelf: 7, slot: 3 };

const NOTHING = Buffer.alloc(0);

/** Requests that are in order, of all commands: what mutations start from. */
export function corpus(): Buffer[] {
  const envelope = (command: number) => ({
    ethernet: { destination: TARGET, source: INITIATOR },
    header: {
      version: 1,
      flags: 0,
      error: 0,
      major: ADDRESS.shelf,
      minor: ADDRESS.slot,
      command,
      tag: 0x01020304,
    },
  });
  const ata = (cmdStatus: number, flags: number, count: number, lba: number, sectors = 0): Frame => ({
    ...envelope(0),
    kind: 'ata',
    ata: { flags, errFeature: 0, count, cmdStatus, lba },
    data: Buffer.alloc(sectors * 512, 0x5a),
  });
  const config = (ccmd: number, string: string): Frame => ({
    ...envelope(1),
    kind: 'config',
    config: { bufferCount: 0, firmware: 0, sectorCount: 0, version: 1, ccmd, string: Buffer.from(string) },
  });
  const mask = (mcmd: number, ...directives: [number, Mac][]): Frame => ({
    ...envelope(2),
    kind: 'mask',
    mask: { mcmd, merror: 0, directives: directives.map(([dcmd, mac]) => ({ dcmd, mac })) },
  });
  const reserve = (rcmd: number, ...macs: Mac[]): Frame => ({
    ...envelope(3),
    kind: 'reserve',
    reserve: { rcmd, macs },
  });
  const other = INITIATOR + 0x10;
  const frames: Frame[] = [
    ata(0xec, 0, 1, 0),
    ata(0x20, 0, 2, 5),
    ata(0x24, 0x40, 2, 60),
    ata(0x24, 0x40, 1, 2 ** 40),
    ata(0x30, 0x01, 1, 9, 1),
    ata(0x34, 0x41, 2, 30, 2),
    ata(0x34, 0x43, 1, 63, 1),
    ata(0x40, 0, 2, 5),
    ata(0x42, 0x40, 2, 62),
    ata(0xe5, 0, 0, 0),
    ata(0xe7, 0, 0, 0),
    ata(0xea, 0x40, 0, 0),
    ata(0xb0, 0, 1, 0xc24f00),
    ...[0, 1, 2, 3, 4].map((ccmd) => config(ccmd, 'lab 1')),
    config(4, ''),
    config(4, 'z'.repeat(1024)),
    mask(0),
    mask(1, [1, INITIATOR], [1, other]),
    mask(1, [2, other], [2, INITIATOR]),
    reserve(0),
    reserve(1, INITIATOR, other),
    reserve(2, INITIATOR),
    reserve(1),
    reserve(2),
    { ...envelope(0xf3), kind: 'vendor', body: Buffer.alloc(40, 3) },
    { ...envelope(9), kind: 'unknown', body: NOTHING },
  ];
  return frames.map(buildFrame);
}

const EDGES = [0, 1, 2, 3, 4, 7, 8, 0x0f, 0x10, 0x7f, 0x80, 0xfe, 0xff];

/** A frame of the corpus with some of its bytes changed, cut, lengthened, or joined with another one's. */
export function mutate(seeds: readonly Buffer[], dice: Dice): Buffer {
  let bytes = Buffer.from(dice.pick(seeds));
  for (let steps = dice.roll(4); steps > 0; steps--) {
    // Mostly within the headers: what lies behind them is data.
    const at = dice.roll(
      dice.roll(4) === 0 ? Math.max(1, bytes.length) : Math.min(40, Math.max(1, bytes.length)),
    );
    switch (dice.roll(7)) {
      case 0:
        if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << dice.roll(8));
        break;
      case 1:
        if (at < bytes.length) bytes[at] = dice.pick(EDGES);
        break;
      case 2:
        if (at < bytes.length) bytes[at] = dice.roll(256);
        break;
      case 3:
        bytes = bytes.subarray(0, at);
        break;
      case 4:
        bytes = Buffer.concat([bytes, Buffer.alloc(dice.roll(1600), dice.roll(256))]).subarray(0, 9014);
        break;
      case 5:
        bytes = Buffer.concat([bytes.subarray(0, at), dice.pick(seeds).subarray(at)]);
        break;
      default:
        // The fields of a request that are told in more than one byte.
        if (bytes.length >= 34)
          bytes.writeUInt16BE(
            dice.pick([0, 1, 59, 1024, 1025, 0x7fff, 0xffff]),
            dice.pick([16, 26, 28, 30, 32]),
          );
    }
  }
  return bytes;
}
