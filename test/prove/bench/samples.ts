import { type BenchReport, overall } from '../../../src/prove/bench/bench-report.js';
import { type MeasuredRun, type PointReport, sumUp } from '../../../src/prove/bench/results.js';

/** A run of a second in which all went well, but for what is said. */
export function measuredRun(fields: Partial<MeasuredRun>): MeasuredRun {
  return {
    round: 0,
    requests: 1000,
    time: 1000,
    answered: 1000,
    latency: undefined,
    lost: 0,
    repeated: 0,
    late: 0,
    unanswered: 0,
    errors: 0,
    wrong: 0,
    compared: 0,
    busy: undefined,
    cpu: undefined,
    ...fields,
  };
}

/** The report of one point; a contender without runs was skipped there. */
export function benchReport(contenders: Readonly<Record<string, MeasuredRun[]>>): BenchReport {
  const points = pointsOf(contenders);
  return {
    machine: { cpus: 2, model: 'a <fast> & "good" one', kernel: '6.18' },
    mode: 'cached',
    modeNote: 'in the page cache',
    fileSize: 1 << 20,
    mtu: 9000,
    seconds: 1,
    rounds: 1,
    date: '2026-01-01T00:00:00.000Z',
    contenders: Object.keys(contenders).map((name) => ({ name, release: '1', protocol: 'AoE', setUp: 'so' })),
    skipped: [],
    points,
    overall: overall(Object.keys(contenders), points),
    notes: ['a "note" with <b> & \'quotes\''],
  };
}

function pointsOf(contenders: Readonly<Record<string, MeasuredRun[]>>): PointReport[] {
  const first = Object.values(contenders)[0];
  return [
    {
      name: '1 KiB read, depth 1',
      size: 1024,
      depth: 1,
      reads: 100,
      results: Object.entries(contenders).map(([name, runs]) =>
        runs.length === 0
          ? { contender: name, skipped: 'it takes <2 sectors & no more' }
          : sumUp(name, 1024, runs, first, undefined),
      ),
    },
  ];
}
