/**
 * Requests a second of two builds of native in one interleaved run: `node dist/test/bench/builds.js BEFORE AFTER`, as root, each a
 * `native.cjs` or `main.js`. ROUNDS (9) and TIME, seconds a measurement (2). The medians of both and that of the
 * ratios are printed, and the same of native's processor time for a request: its figures scatter less.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LoadGenerator } from '../../src/prove/bench/generator.js';
import { median } from '../../src/prove/bench/statistics.js';
import { makeWire } from '../wire/link/veth.js';
import { initiate, perSecond, startNative } from './native.js';

const ROUNDS = Number(process.env.ROUNDS ?? 9);
const TIME = Number(process.env.TIME ?? 2) * 1000;
const SHAPES = [
  { name: '4 KiB, 1 under way, reads', size: 4096, depth: 1, reads: 100 },
  { name: '4 KiB, 8 under way, 70 % reads', size: 4096, depth: 8, reads: 70 },
  { name: '8 KiB, 32 under way, reads', size: 8192, depth: 32, reads: 100 },
  { name: '8 KiB, 32 under way, writes', size: 8192, depth: 32, reads: 0 },
];

const builds = process.argv.slice(2);
if (builds.length !== 2) throw new Error('usage: builds.js BEFORE AFTER');
const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-builds-'));
const wire = await makeWire(9000);
const generator = new LoadGenerator();
try {
  for (const { name, ...shape } of SHAPES) {
    const rounds: Figures[][] = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await measure(shape, round % 2 === 1));
    const rates = compare(rounds.map((pair) => pair.map(({ rate }) => rate)));
    const times = compare(rounds.map((pair) => pair.map(({ cpu }) => cpu)));
    process.stdout.write(`${name}: requests/s ${rates}; microseconds of processor time for each ${times}\n`);
  }
} finally {
  await generator.close();
  await wire.remove();
  await rm(folder, { recursive: true });
}

interface Figures {
  /** Requests a second. */
  rate: number;
  /** Microseconds of processor time for each. */
  cpu: number;
}

type Shape = Omit<(typeof SHAPES)[number], 'name'>;

/** @returns of the first and of the second build */
async function measure(shape: Shape, isReversed: boolean): Promise<Figures[]> {
  const figures: Figures[] = [];
  for (const index of isReversed ? [1, 0] : [0, 1]) {
    const native = await startNative(builds[index] as string, wire, folder, 1);
    try {
      // What it does at its start is no part of it.
      await initiate(generator, wire, native.mac, { ...shape, time: 100 });
      const began = await native.cpu();
      const load = await initiate(generator, wire, native.mac, { ...shape, time: TIME, warmUp: 0 });
      const cpu = (((await native.cpu()) - began) / load.requests) * 1e6;
      figures[index] = { rate: perSecond(load), cpu };
    } finally {
      await native.stop();
    }
  }
  return figures;
}

function compare(pairs: readonly number[][]): string {
  const [before, after] = [0, 1].map((index) => median(pairs.map((pair) => pair[index] as number)));
  const ratio = median(pairs.map(([one, other]) => (other as number) / (one as number)));
  return `${before?.toFixed(1)} -> ${after?.toFixed(1)} (${ratio.toFixed(3)})`;
}
