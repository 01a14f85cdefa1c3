import { Command } from '../../../wire/aoe/index.js';
import { type ConformCase, must } from '../case.js';
import { fresh } from '../content.js';
import type { Probe } from '../probe.js';
import { harmless } from './malformed-harmless.js';

const cut = (build: (probe: Probe) => Buffer, length: number) =>
  harmless((probe) => [build(probe).subarray(0, length)]);

/** The same bytes in every run. */
function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

export const malformedFrames: ConformCase[] = [
  must(
    'malformed.Short.Ethernet',
    'A frame that ends with the Ethernet header does no harm',
    'AoE 2',
    cut((probe) => probe.to.config(), 14),
  ),
  must(
    'malformed.Short.HalfHeader',
    'A frame that ends within the AoE header does no harm',
    'AoE 2',
    cut((probe) => probe.to.config(), 20),
  ),
  must(
    'malformed.Short.NoAtaSection',
    'An ATA command without its section does no harm',
    'AoE 3.1',
    cut((probe) => probe.to.write(0, fresh(1, 1)), 24),
  ),
  must(
    'malformed.Short.HalfAtaSection',
    'An ATA command that ends within its section does no harm',
    'AoE 3.1',
    cut((probe) => probe.to.write(0, fresh(1, 1)), 31),
  ),
  must(
    'malformed.Short.NoConfigSection',
    'A force set without its section does no harm',
    'AoE 3.2',
    cut((probe) => probe.to.config(4, 'x'), 24),
  ),
  must(
    'malformed.Short.HalfConfigSection',
    'A force set that ends within its section does no harm',
    'AoE 3.2',
    cut((probe) => probe.to.config(4, 'x'), 30),
  ),
  must(
    'malformed.Short.NoMaskSection',
    'A mask edit without its section does no harm',
    'AoE 3.3',
    cut((probe) => probe.to.mask(1), 24),
  ),
  must(
    'malformed.Short.NoReserveSection',
    'A reservation without its section does no harm',
    'AoE 3.4',
    cut((probe) => probe.to.reserve(1), 24),
  ),
  must(
    'malformed.Short.EveryLength',
    'A write cut at every length up to its data does no harm',
    'AoE 3.1',
    harmless((probe) =>
      Array.from({ length: 36 - 14 }, (_, index) => probe.to.write(1, fresh(1, 1)).subarray(0, 14 + index)),
    ),
  ),
  must(
    'malformed.Noise.Zeros',
    'A frame of zeros behind its address does no harm',
    'AoE 2',
    harmless((probe) => [
      probe.to.raw(Command.ata, Buffer.alloc(36)),
      probe.to.raw(Command.config, Buffer.alloc(1400)),
    ]),
  ),
  must(
    'malformed.Noise.Bodies',
    '200 frames of noise behind a right header do no harm',
    'AoE 2',
    async (probe) => {
      const frames = Array.from({ length: 200 }, (_, index) =>
        // Writes are left out: what they would write is their own business.
        probe.to.raw(
          index % 2 === 0 ? 4 + (index % 250) : Command.ata,
          Buffer.concat([Buffer.from([0x40, 0, 255, 0x24]), noise(40 + index * 5, index)]),
        ),
      );
      await harmless(() => frames)(probe);
    },
  ),
  must(
    'malformed.Noise.Headers',
    '200 frames of noise behind the EtherType do no harm',
    'AoE 2',
    harmless((probe) =>
      Array.from({ length: 200 }, (_, index) => {
        const bytes = Buffer.concat([probe.to.config().subarray(0, 14), noise(46 + index, index + 1000)]);
        // Another shelf, so that nothing is written by chance.
        bytes.writeUInt16BE(0x5a5a, 16);
        return bytes;
      }),
    ),
  ),
];
