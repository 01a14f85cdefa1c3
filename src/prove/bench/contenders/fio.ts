import type { Host } from '../../../hosts/host/host.js';
import type { Conditions, Contender } from '../contender.js';
import { requireCommand } from './nbd.js';

interface FioSide {
  total_ios: number;
  runtime: number;
  lat_ns: { percentile?: Record<string, number>; max: number };
}

/**
 * What the file itself gives: fio with io_uring, on this machine and without any protocol. Reads only, since it would
 * fill the file with data of its own.
 * @throws MissingError if fio is not installed
 */
export async function fioContender(host: Host, conditions: Conditions): Promise<Contender> {
  requireCommand('fio', 'fio');
  const { stdout } = await host.run(['fio', '--version']);
  return {
    name: 'fio',
    release: stdout.trim().replace(/^fio-/, ''),
    protocol: 'local',
    setUp: `io_uring on the file itself${conditions.directIo ? ', direct I/O' : ''}`,
    pids: [],
    refuses: ({ reads }) =>
      reads === 100 ? undefined : 'it would fill the file with data of its own: measured for reads only',
    run: async ({ point: { size, depth }, seed, warmUp, time }) => {
      const result = await host.run(
        [
          ...['fio', '--name=read', `--filename=${conditions.path}`, '--rw=randread', '--readonly'],
          ...['--ioengine=io_uring', `--direct=${conditions.directIo ? 1 : 0}`, '--invalidate=0'],
          ...[`--bs=${size}`, `--iodepth=${depth}`, '--time_based', `--runtime=${time}ms`],
          ...[`--ramp_time=${warmUp}ms`, `--randseed=${seed}`, '--output-format=json'],
          // From submission, as our own generators count; not from when the kernel had taken it.
          ...['--lat_percentiles=1', '--clat_percentiles=0'],
        ],
        { timeout: warmUp + time + 30_000 },
      );
      const { jobs } = JSON.parse(result.stdout.slice(result.stdout.indexOf('{'))) as {
        jobs: [{ read: FioSide }];
      };
      const { read } = jobs[0];
      const at = (share: string) => (read.lat_ns.percentile?.[share] ?? 0) / 1000;
      return {
        requests: read.total_ios,
        time: read.runtime,
        answered: read.total_ios,
        latency: {
          p50: at('50.000000'),
          p90: at('90.000000'),
          p99: at('99.000000'),
          p999: at('99.900000'),
          max: read.lat_ns.max / 1000,
        },
        ...NOTHING_SEEN,
      };
    },
    stop: async () => {},
  };
}

/** What a foreign load generator does not tell. */
export const NOTHING_SEEN = {
  lost: 0,
  repeated: 0,
  late: 0,
  unanswered: 0,
  errors: 0,
  wrong: 0,
  compared: 0,
  busy: undefined,
};
