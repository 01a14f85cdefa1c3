import { formatSize } from '../../base/units.js';
import type { BenchReport } from '../../prove/bench/bench-report.js';
import { isSkipped, type PointReport, type PointResult } from '../../prove/bench/results.js';
import type { Spread } from '../../prove/bench/statistics.js';
import colors, { line } from './colors.js';
import { table } from './table.js';

const HEAD = [
  'point',
  'target',
  'kIOPS',
  'min…max',
  'MB/s',
  'p50',
  'p90',
  'p99',
  'p99.9',
  'max µs',
  'CPU µs',
  'lost',
  'ratio',
  'of ceiling',
];

/** A benchmark as a person reads it. */
export function describeBench(report: BenchReport): string {
  const rows = report.points.flatMap((point) => pointRows(point));
  const { seconds, rounds, mtu, fileSize, machine } = report;
  const lines = [
    table(HEAD, rows),
    '',
    ...overallLines(report),
    line`${rounds} rounds of ${seconds} s, ${machine.host === undefined ? 'interleaved' : 'one target after the other'}: medians, and the least and most of all rounds; ratio to ${report.contenders[0]?.name ?? ''} in the same round.`,
    line`${formatSize(fileSize)} file, ${report.modeNote}. MTU ${mtu}, ${machine.host === undefined ? '' : `${machine.host}: `}${machine.cpus} × ${machine.model}, Linux ${machine.kernel}.`,
    ...report.contenders.map(
      ({ name, release, protocol, setUp }) => line`${name}${release && ` ${release}`}: ${protocol}, ${setUp}`,
    ),
    ...report.skipped.map(({ contender, reason }) => colors.yellow(line`${contender} skipped: ${reason}`)),
    ...refusals(report),
    ...report.notes,
    ...troubles(report),
  ];
  return lines.join('\n');
}

function overallLines({ overall, contenders }: BenchReport): string[] {
  const told = overall.slice(1).flatMap(({ contender, ratio, ofCeiling }) => {
    const ceiling = ofCeiling === null || ofCeiling === 1 ? '' : ` (${ofCeiling.toFixed(2)} of the ceiling)`;
    return ratio === null ? [] : [`${contender} ${ratio.toFixed(2)}${ceiling}`];
  });
  return told.length === 0
    ? []
    : [line`Overall, to ${contenders[0]?.name ?? ''}, geometric mean: ${told.join(', ')}.`];
}

function pointRows({ name, results }: PointReport): string[][] {
  return results.map((result, index) => {
    const label = index === 0 ? name : '';
    if (isSkipped(result)) return [label, result.contender, colors.dim('-')];
    return [label, result.contender, ...figures(result)];
  });
}

function figures(result: PointResult): string[] {
  const { iops, throughput, latency, cpuPerRequest, ratio, ofCeiling, lost } = result;
  const microseconds = (value: number | undefined) => (value === undefined ? '-' : value.toFixed(0));
  return [
    kilo(iops.median),
    `${kilo(iops.min)}…${kilo(iops.max)}`,
    (throughput.median / 1e6).toFixed(0),
    ...[latency?.p50, latency?.p90, latency?.p99, latency?.p999, latency?.max].map(microseconds),
    cpuPerRequest === undefined ? '-' : cpuPerRequest.median.toFixed(1),
    lost === 0 ? '0' : colors.yellow(String(lost)),
    factor(ratio),
    factor(ofCeiling),
  ];
}

function kilo(value: number): string {
  return (value / 1000).toFixed(1);
}

function factor(value: Spread | undefined): string {
  return value === undefined ? '-' : value.median.toFixed(2);
}

/** Why some were not measured at some points, each reason once. */
function refusals(report: BenchReport): string[] {
  const found = report.points.flatMap(({ results }) => results.filter(isSkipped));
  return [
    ...new Set(
      found.map(({ contender, skipped }) => line`${contender}, where it has no figures: ${skipped}`),
    ),
  ];
}

/** What must not go unseen. */
function troubles(report: BenchReport): string[] {
  return report.points.flatMap(({ name, results }) =>
    results.flatMap((result) => {
      if (isSkipped(result)) return [];
      const { contender, wrong, errors, unanswered, example } = result;
      if (wrong + errors + unanswered === 0) return [];
      const text = line`${name}: ${contender}: ${wrong} wrong answers, ${errors} errors, ${unanswered} without an answer`;
      return [colors.red(example === undefined ? text : line`${text}; the first: ${example}`)];
    }),
  );
}
