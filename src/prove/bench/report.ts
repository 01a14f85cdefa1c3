/** From runs to the report. */
import { cpus } from 'node:os';
import type { Host } from '../../hosts/host/host.js';
import type { BenchOptions } from './bench-options.js';
import { type BenchReport, benchNotes, MODE_NOTES, overall } from './bench-report.js';
import type { BenchSetup } from './bench-setup.js';
import type { Contender } from './contender.js';
import { REFLECTOR } from './contenders/reflector.js';
import type { Runs } from './measure.js';
import { type Point, pointName } from './points.js';
import { type PointReport, sumUp } from './results.js';

export async function reportOf(
  setup: BenchSetup,
  options: BenchOptions,
  points: readonly Point[],
  runs: Runs,
): Promise<BenchReport> {
  const { contenders, skipped, host, mtu } = setup;
  const { mode, fileSize, seconds, rounds } = options;
  const reports = points.map((point) => pointReport(contenders, point, runs));
  const trouble: string[] = [];
  for (const { name, trouble: ask } of contenders) {
    for (const text of (await ask?.()) ?? []) trouble.push(`${name}: its kernel complained: ${text}`);
  }
  return {
    machine: await machineOf(host),
    mode,
    modeNote: MODE_NOTES[mode],
    fileSize,
    mtu,
    seconds,
    rounds,
    date: new Date().toISOString(),
    contenders: contenders.map(({ name, release, protocol, setUp, bufferCount }) => ({
      name,
      release,
      protocol,
      setUp,
      ...(bufferCount === undefined ? {} : { bufferCount }),
    })),
    skipped,
    points: reports,
    overall: overall(
      contenders.map(({ name }) => name),
      reports,
    ),
    notes: [...benchNotes(contenders, options, reports), ...trouble],
  };
}

function pointReport(contenders: readonly Contender[], point: Point, runs: Runs): PointReport {
  const runsOf = (name: string | undefined) => (name === undefined ? undefined : runs.of(name, point));
  const first = contenders[0]?.name;
  const results = contenders.map((contender) => {
    const { name } = contender;
    const own = runsOf(name);
    if (own === undefined) {
      return { contender: name, skipped: contender.refuses(point) ?? 'it was not reached' };
    }
    return sumUp(name, point.size, own, runsOf(first), runsOf(REFLECTOR));
  });
  return { ...point, name: pointName(point), results };
}

/** Processors and kernel of a machine. */
async function machineOf(host: Host): Promise<BenchReport['machine']> {
  const { kernel } = await host.facts();
  if (host.isHere) return { cpus: cpus().length, model: cpus()[0]?.model ?? '', kernel };
  const script = 'grep -c "^processor" /proc/cpuinfo; sed -n "s/^model name[^:]*: //p" /proc/cpuinfo';
  const [count = '', model = ''] = (await host.run(['sh', '-c', script])).stdout.split('\n');
  return { host: host.name, cpus: Number(count), model, kernel };
}
