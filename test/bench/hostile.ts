/** Hostile stations on one wire, in a process of their own: `hostile.js JSON` sends a mix of frames at a rate until killed. */

import { libc } from '../../src/base/libc/libc.js';
import { calls } from '../../src/prove/bench/calls.js';
import { Messages } from '../../src/prove/bench/messages.js';
import { openPacketSocket } from '../../src/prove/bench/packet-socket.js';
import {
  AOE_VERSION,
  AtaCommand,
  AtaFlag,
  BROADCAST,
  buildFrame,
  ConfigCommand,
  type Frame,
  type Mac,
} from '../../src/wire/aoe/index.js';

export interface HostileOptions {
  netns: string;
  /** Of the target. */
  mac: Mac;
  shelf: number;
  slot: number;
  sectors: number;
  /** `strangers`: all kinds, each frame from an address of its own. */
  mix: keyof typeof KINDS | 'all' | 'strangers';
  /** Frames a second of all stations together, and how many stations there are. */
  rate: number;
  stations: number;
}

const BATCH = 64;
const FRAME = 36 + 4096;
/** Where the last four bytes of a frame's source lie. */
const LAST_OF_SOURCE = 8;

interface Spec {
  ata?: { command: number; count: number; lba?: number; data?: Buffer };
  ccmd?: number;
  toAll?: boolean;
}

const SECTOR = Buffer.alloc(512, 0xaa);
/** What one frame asks for. */
export const KINDS: Record<string, (random: () => number, sectors: number) => Spec> = {
  verify: (random, sectors) => ({
    ata: { command: AtaCommand.verifyExt, count: 0, lba: Math.floor(random() * (sectors - 65536)) },
  }),
  read: (random, sectors) => ({
    ata: { command: AtaCommand.readSectorsExt, count: 8, lba: Math.floor(random() * (sectors - 8)) },
  }),
  write: (random, sectors) => ({
    ata: { command: AtaCommand.writeSectorsExt, count: 1, lba: Math.floor(random() * sectors), data: SECTOR },
  }),
  flush: () => ({ ata: { command: AtaCommand.flushCacheExt, count: 0 } }),
  identify: () => ({ ata: { command: AtaCommand.identifyDevice, count: 1 } }),
  query: () => ({ ccmd: ConfigCommand.read, toAll: true }),
  rename: () => ({ ccmd: ConfigCommand.forceSet }),
};

function frameOf(options: HostileOptions, source: Mac, { ata, ccmd = 0, toAll = false }: Spec): Buffer {
  const { mac, shelf, slot } = options;
  const tag = Math.floor(Math.random() * 2 ** 32);
  const envelope = {
    ethernet: { destination: toAll ? BROADCAST : mac, source },
    header: {
      version: AOE_VERSION,
      flags: 0,
      error: 0,
      major: toAll ? 0xffff : shelf,
      minor: toAll ? 0xff : slot,
      command: ata ? 0 : 1,
      tag,
    },
  };
  if (ata === undefined) {
    const string = Buffer.from(ccmd === 0 ? '' : `${tag}`);
    const config = { bufferCount: 0, firmware: 0, sectorCount: 0, version: AOE_VERSION, ccmd, string };
    return buildFrame({ kind: 'config', ...envelope, config } as Frame);
  }
  const { command, count, lba = 0, data = Buffer.alloc(0) } = ata;
  const flags = AtaFlag.lba48 | (data.length > 0 ? AtaFlag.write : 0);
  const registers = { flags, errFeature: 0, count, cmdStatus: command, lba };
  return buildFrame({ kind: 'ata', ...envelope, ata: registers, data });
}

async function attack(options: HostileOptions): Promise<void> {
  const [c, fast] = await Promise.all([libc(), calls()]);
  const { fd } = openPacketSocket(c, 'v0', options.netns, 1);
  const { mix, sectors, rate, stations } = options;
  const isMixed = mix === 'all' || mix === 'strangers';
  const kinds = isMixed ? Object.values(KINDS) : [KINDS[mix] as (typeof KINDS)[string]];
  // Frames are made once and sent again and again: it is their number that counts.
  const groups = Array.from({ length: 64 }, (_, group) => {
    const messages = new Messages(c, BATCH, FRAME, 60);
    for (let index = 0; index < BATCH; index++) {
      const turn = group * BATCH + index;
      const kind = kinds[Math.floor(turn / stations) % kinds.length] as (typeof KINDS)[string];
      const frame = frameOf(options, 0x02_bb_00_00_00_00 + (turn % stations), kind(Math.random, sectors));
      messages.bytes.set(frame, index * messages.stride * 4);
      messages.vectors[index * 4 + 2] = frame.length;
    }
    return messages;
  });
  let sent = 0;
  let total = 0;
  let stop = false;
  process.on('SIGTERM', () => {
    stop = true;
  });
  const began = performance.now();
  for (let group = 0; !stop; group++) {
    const due = ((performance.now() - began) / 1000) * rate;
    if (sent > due) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      continue;
    }
    // What can't keep up does not make up for it.
    if (due - sent > rate / 10) sent = due;
    const messages = groups[group % groups.length] as Messages;
    if (mix === 'strangers') {
      for (let index = 0; index < BATCH; index++) {
        messages.bytes.writeUInt32BE((sent + index) % 2 ** 32, index * messages.stride * 4 + LAST_OF_SOURCE);
      }
    }
    const count = fast.sendmmsg(fd, messages.address, BATCH, 0);
    sent += BATCH;
    total += Math.max(0, count);
    if (group % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  process.send?.({ rate: Math.round((total / (performance.now() - began)) * 1000) });
  process.disconnect?.();
}

await attack(JSON.parse(process.argv[2] as string) as HostileOptions);
