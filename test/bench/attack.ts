/**
 * What is left for an honest initiator while eight stations attack native: `node dist/test/bench/attack.js [MIX…]`, as root.
 * AOE_LAB_NATIVE=FILE takes another build's `native.cjs`; RATE is frames a second and station (20,000), TIME seconds a
 * measurement (5). Native, attackers and initiator share the processors, so the same frames are sent on a wire of their own
 * first ("beside"): what that leaves is what the machine can give. Figures of a busy machine tell little.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { programsFolder } from '../../src/base/files/paths.js';
import { LoadGenerator } from '../../src/prove/bench/generator.js';
import type { LoadFigures } from '../../src/prove/bench/load.js';
import { makeWire } from '../wire/link/veth.js';
import type { HostileOptions } from './hostile.js';
import { initiate, perSecond, SECTORS, SHELF, startNative } from './native.js';

const STATIONS = 8;
const RATE = Number(process.env.RATE ?? 20_000);
const TIME = Number(process.env.TIME ?? 5) * 1000;
const MIXES = ['verify', 'flush', 'rename', 'query', 'identify', 'read', 'write', 'all', 'strangers'];

const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-attack-'));
const wire = await makeWire(9000);
const elsewhere = await makeWire(9000);
const generator = new LoadGenerator();
try {
  for (const mix of process.argv.length > 2 ? process.argv.slice(2) : MIXES) {
    process.stdout.write(`${await measure(mix)}\n`);
  }
} finally {
  await generator.close();
  await wire.remove();
  await elsewhere.remove();
  await rm(folder, { recursive: true });
}

async function measure(mix: string): Promise<string> {
  const main = process.env.AOE_LAB_NATIVE ?? join(programsFolder, 'native.cjs');
  const native = await startNative(main, wire, folder, 2);
  try {
    const { mac } = native;
    // Most of it reads.
    const honest = () => initiate(generator, wire, mac, { size: 4096, depth: 8, reads: 70, time: TIME });
    const alone = await honest();
    const options = { netns: wire.right, mac, shelf: SHELF, slot: 2, sectors: SECTORS, mix };
    const beside = await during({ ...options, netns: elsewhere.right }, honest);
    const attacked = await during(options, honest);
    const figures = [alone, beside.figures, attacked.figures].map(perSecond);
    const [all, most, left] = figures as [number, number, number];
    return [
      `${mix}: ${attacked.rate} hostile frames/s (${beside.rate} beside);`,
      `honest ${all} requests/s alone, ${most} beside, ${left} attacked`,
      `(${(left / all).toFixed(2)} of alone, ${(left / most).toFixed(2)} of beside);`,
      `p99 ${milliseconds(alone)} ms alone, ${milliseconds(beside.figures)} beside, ${milliseconds(attacked.figures)} attacked;`,
      `${attacked.figures.repeated} repeated, ${attacked.figures.wrong + attacked.figures.errors} wrong;`,
      `memory ${Math.round((await native.peak()) / (1 << 20))} MiB`,
    ].join(' ');
  } finally {
    await native.stop();
  }
}

/** Measures while stations attack. */
async function during(
  options: Omit<HostileOptions, 'rate' | 'stations'>,
  measured: () => Promise<LoadFigures>,
): Promise<{ figures: LoadFigures; rate: number }> {
  const hostile = fork(
    fileURLToPath(new URL('./hostile.js', import.meta.url)),
    [JSON.stringify({ ...options, rate: RATE * STATIONS, stations: STATIONS } satisfies HostileOptions)],
    { execArgv: [] },
  );
  const told = once(hostile, 'message');
  await sleep(1000);
  const figures = await measured();
  hostile.kill('SIGTERM');
  const [{ rate }] = (await told) as [{ rate: number }];
  return { figures, rate };
}

function milliseconds({ latency }: LoadFigures): string {
  return (latency.p99 / 1000).toFixed(1);
}
