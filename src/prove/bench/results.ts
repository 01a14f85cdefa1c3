import type { Run } from './contender.js';
import type { Point } from './points.js';
import { median, type Spread, spread } from './statistics.js';

/** A run and what is known of it besides. */
export interface MeasuredRun extends Run {
  round: number;
  /** CPU seconds of the target's processes; undefined where it has none. */
  cpu: number | undefined;
}

/** What one contender did at one point, over all rounds. */
export interface PointResult {
  contender: string;
  iops: Spread;
  /** Bytes a second. */
  throughput: Spread;
  /** Microseconds: medians over the rounds, `max` of all rounds; undefined where it is not known. */
  latency: { p50: number; p90: number; p99: number; p999: number; max: number } | undefined;
  /** CPU microseconds of the target's processes for each request; undefined where it is not known. */
  cpuPerRequest: Spread | undefined;
  /** IOPS ÷ those of the first contender in the same round. */
  ratio: Spread | undefined;
  /** IOPS ÷ those of the reflector in the same round. */
  ofCeiling: Spread | undefined;
  /** Sums over all rounds. */
  answered: number;
  lost: number;
  repeated: number;
  late: number;
  unanswered: number;
  errors: number;
  wrong: number;
  compared: number;
  example: string | undefined;
  /** The generator's own load: median of its CPU time ÷ time. */
  busy: number | undefined;
  runs: MeasuredRun[];
}

export interface SkippedResult {
  contender: string;
  skipped: string;
}

export interface PointReport extends Point {
  name: string;
  results: (PointResult | SkippedResult)[];
}

export function iopsOf(run: Run): number {
  return (run.requests / run.time) * 1000;
}

/**
 * Sums up the runs of one contender at one point, in the order of their rounds.
 * @param first, ceiling runs of the first contender and of the reflector at the same point
 */
export function sumUp(
  contender: string,
  size: number,
  runs: MeasuredRun[],
  first: readonly MeasuredRun[] | undefined,
  ceiling: readonly MeasuredRun[] | undefined,
): PointResult {
  const iops = spread(runs.map(iopsOf));
  const total = (pick: (run: MeasuredRun) => number) => runs.reduce((sum, run) => sum + pick(run), 0);
  const cpu = runs.flatMap((run) =>
    run.cpu === undefined || run.answered === 0 ? [] : [(run.cpu * 1e6) / run.answered],
  );
  const busy = runs.flatMap((run) => (run.busy === undefined ? [] : [run.busy]));
  return {
    contender,
    iops,
    throughput: spread(runs.map((run) => iopsOf(run) * size)),
    latency: sumUpLatency(runs),
    cpuPerRequest: cpu.length === 0 ? undefined : spread(cpu),
    ratio: ratios(runs, first),
    ofCeiling: ratios(runs, ceiling),
    answered: total((run) => run.answered),
    lost: total((run) => run.lost),
    repeated: total((run) => run.repeated),
    late: total((run) => run.late),
    unanswered: total((run) => run.unanswered),
    errors: total((run) => run.errors),
    wrong: total((run) => run.wrong),
    compared: total((run) => run.compared),
    example: runs.find((run) => run.example !== undefined)?.example,
    busy: busy.length === 0 ? undefined : median(busy),
    runs,
  };
}

function sumUpLatency(runs: readonly MeasuredRun[]): PointResult['latency'] {
  const all = runs.flatMap(({ latency }) => (latency === undefined ? [] : [latency]));
  if (all.length === 0) return undefined;
  const middle = (key: 'p50' | 'p90' | 'p99' | 'p999') => median(all.map((latency) => latency[key]));
  return {
    p50: middle('p50'),
    p90: middle('p90'),
    p99: middle('p99'),
    p999: middle('p999'),
    max: Math.max(...all.map(({ max }) => max)),
  };
}

/** Compared within a round, so that what changed on the machine between rounds does not count. */
function ratios(
  runs: readonly MeasuredRun[],
  others: readonly MeasuredRun[] | undefined,
): Spread | undefined {
  const values = runs.flatMap((run) => {
    const other = others?.find(({ round }) => round === run.round);
    return other === undefined || other.requests === 0 ? [] : [iopsOf(run) / iopsOf(other)];
  });
  return values.length === 0 ? undefined : spread(values);
}

export function isSkipped(result: PointResult | SkippedResult): result is SkippedResult {
  return 'skipped' in result;
}
