import type { Site } from '../testbed/remote-dut.js';
import type { Contender } from './contender.js';
import { DROP } from './file.js';
import { isSkipped, type PointReport, type PointResult } from './results.js';
import { geometricMean, type Spread } from './statistics.js';

/** Where the data comes from: the page cache; the disk by direct I/O; the disk, since its pages were dropped. */
export type Mode = 'cached' | 'direct' | 'cold';

/** As `bench --json` shows it. */
export interface BenchReport {
  /** Of the targets; `host`: over SSH. */
  machine: { host?: string; cpus: number; model: string; kernel: string };
  mode: Mode;
  /** How the data was kept in, or out of, the page cache. */
  modeNote: string;
  fileSize: number;
  mtu: number;
  seconds: number;
  rounds: number;
  /** ISO 8601. */
  date: string;
  contenders: Pick<Contender, 'name' | 'release' | 'protocol' | 'setUp' | 'bufferCount'>[];
  /** Those that could not take part, and why. */
  skipped: { contender: string; reason: string }[];
  points: PointReport[];
  /** Geometric means over the points where both were measured; null where there is none. */
  overall: { contender: string; ratio: number | null; ofCeiling: number | null }[];
  /** What a reader has to know about the figures. */
  notes: string[];
}

export const MODE_NOTES: Readonly<Record<Mode, string>> = {
  cached: 'the file lies in the page cache, written in blocks of 16 KiB',
  direct:
    'targets open the file with O_DIRECT; caches below it (of the disk, of a hypervisor) stay as they are',
  cold: `before each run: ${DROP}`,
};

/** Each contender in one figure. */
export function overall(names: readonly string[], points: readonly PointReport[]): BenchReport['overall'] {
  return names.map((contender) => {
    const results = points.flatMap((point) =>
      point.results.flatMap((result) =>
        isSkipped(result) || result.contender !== contender ? [] : [result],
      ),
    );
    const mean = (pick: (result: PointResult) => Spread | undefined): number | null => {
      const values = results.flatMap((result) => pick(result)?.median || []);
      return values.length === 0 ? null : geometricMean(values);
    };
    return { contender, ratio: mean(({ ratio }) => ratio), ofCeiling: mean(({ ofCeiling }) => ofCeiling) };
  });
}

/** Above this share of its time the load generator itself may be what is measured. */
const BUSY = 0.95;

const ON_HUB = [
  'The frames of all AoE targets pass a hub in this process, over a wire and a socket or a second wire: figures of such a run compare with each other, and not with those of a run without a hub.',
  'A target in an emulated guest is measured with the emulator, which makes its processor some ten times slower: the figures show that it works under load and how such guests compare with each other. They do not show how a module compares with a daemon outside.',
];

function onSite({ host, iface, wire }: Site): string {
  return `The targets ran on ${host.name}, on ${iface}, one after the other, each exported for its own runs alone; the load came from this machine over ${wire}, so that latencies have the network between them in them. Of acknowledged writes up to 64 a run are looked for in the file.`;
}

/** What a reader has to know of the figures. */
export function benchNotes(
  contenders: readonly Contender[],
  { depths, hub, site }: { depths: readonly number[]; hub: boolean; site?: Site | undefined },
  points: readonly PointReport[],
): string[] {
  const depth = Math.max(...depths);
  const short = contenders.filter(({ bufferCount }) => bufferCount !== undefined && bufferCount < depth);
  return [
    "CPU time is that of the target's processes; what the kernel does for them on the sender's side of the wire is not in it.",
    ...(hub ? ON_HUB : []),
    ...(site === undefined ? [] : [onSite(site)]),
    ...short.map(
      ({ name, bufferCount }) =>
        `${name} advertises ${bufferCount} buffers; a depth above it is kept all the same, and it may drop requests.`,
    ),
    ...points.flatMap(({ name, results }) => {
      const limited = results.filter((result) => !isSkipped(result) && (result.busy ?? 0) > BUSY);
      const names = limited.map(({ contender }) => contender).join(', ');
      return names === '' ? [] : [`${name}: the load generator had no time left with ${names}`];
    }),
  ];
}
