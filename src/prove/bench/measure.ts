/** The measuring: point after point, round after round, contender after contender. */
import type { BenchOptions } from './bench-options.js';
import type { BenchSetup } from './bench-setup.js';
import type { Contender, RunSpec } from './contender.js';
import { cpuTime, cpuTimeOn } from './cpu.js';
import { type Point, pointName, schedule, type Turn } from './points.js';
import type { MeasuredRun } from './results.js';

/** Milliseconds. */
const WARM_UP = 100;
const FIRST_MARK = 0x100;

/** The runs of each contender at each point. */
export class Runs {
  readonly #known = new Map<string, MeasuredRun[]>();

  add(contender: string, point: Point, run: MeasuredRun): void {
    const key = keyOf(contender, point);
    this.#known.set(key, [...(this.#known.get(key) ?? []), run]);
  }

  /** Undefined: there is none. */
  of(contender: string, point: Point): MeasuredRun[] | undefined {
    return this.#known.get(keyOf(contender, point));
  }
}

function keyOf(name: string, { size, depth, reads }: Point): string {
  return `${name} ${size} ${depth} ${reads}`;
}

/** @param runs what was measured is added there */
export async function measure(
  setup: BenchSetup,
  options: BenchOptions,
  points: readonly Point[],
  runs: Runs,
  say: (text: string) => void,
): Promise<void> {
  const { contenders, isFar } = setup;
  let mark = FIRST_MARK;
  const { rounds, seconds } = options;
  const turns = schedule(points, contenders.length, rounds).filter(
    ({ point, contender }) => contenders[contender]?.refuses(point) === undefined,
  );
  // On a host each begins anew when its turn comes, and would be measured cold.
  if (isFar) turns.sort((a, b) => a.contender - b.contender);
  let current: Contender | undefined;
  for (const [index, turn] of turns.entries()) {
    const contender = contenders[turn.contender] as Contender;
    if (contender !== current) {
      await current?.end?.();
      await contender.begin?.();
      current = contender;
    }
    const left = Math.ceil((turns.length - index) * (seconds + WARM_UP / 1000 + 0.05));
    say(`${pointName(turn.point)}: ${contender.name} (run ${index + 1} of ${turns.length}, ${left} s left)`);
    runs.add(contender.name, turn.point, await runOf(setup, options, contender, turn, mark++));
  }
  say(`${turns.length} runs`);
}

/** @param mark written with each block, to tell runs apart */
async function runOf(
  setup: BenchSetup,
  { seconds, mode }: BenchOptions,
  contender: Contender,
  { point, round }: Turn,
  mark: number,
): Promise<MeasuredRun> {
  if (mode === 'cold') await setup.drop();
  const spec: RunSpec = {
    point,
    // The same for all contenders in a round.
    seed: (round + 1) * 7919 + point.size + point.depth,
    mark,
    // A warm-up would warm the cache.
    warmUp: mode === 'cold' ? 0 : WARM_UP,
    time: seconds * 1000,
  };
  const { pids, host } = contender;
  const spent = () => (host === undefined ? cpuTime(pids) : cpuTimeOn(host, pids));
  const before = await spent();
  const run = await contender.run(spec);
  const cpu = pids.length === 0 ? undefined : (await spent()) - before;
  return { ...run, round, cpu };
}
