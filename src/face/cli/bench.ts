import { type Command, InvalidArgumentError } from 'commander';
import { UsageError } from '../../base/errors.js';
import type { BenchOptions } from '../../prove/bench/bench-options.js';
import type { BenchReport, Mode } from '../../prove/bench/bench-report.js';
import type { Site } from '../../prove/testbed/remote-dut.js';
import { line } from '../ui/colors.js';
import { type HostOptions, hostOptions, onHosts } from './hosts.js';
import {
  KERNEL_OF_GUESTS,
  NOT_HERE,
  type SiteOptions,
  several,
  siteInterfaces,
  siteOn,
  siteOptions,
  UNPINNED,
  whole,
  wireMtu,
} from './options.js';
import { withReportFiles } from './report-files.js';
import { cleanedUp } from './signals.js';

interface Options extends HostOptions, SiteOptions {
  impl: string;
  source: string[];
  offline?: boolean;
  unpinned?: boolean;
  kernel: string;
  depth: string;
  size?: string;
  mix?: string;
  seconds: number;
  rounds: number;
  mtu: number;
  direct?: boolean;
  cold?: boolean;
  fileSize?: string;
  folder?: string;
  ceiling: boolean;
  html?: string;
  svg?: string;
}

export function register(program: Command): void {
  const command = program
    .command('bench')
    .description(
      'measure targets side by side: IOPS, throughput, latency, CPU time, on private wires, in turn, or on hosts over SSH',
    )
    .requiredOption(
      '--impl <LIST>',
      'implementations, IMPL or IMPL@RELEASE, joined by commas; also nbdkit, qemu-nbd, tgt (what one might pick instead) and fio (the file itself). Kernel modules run in guests, and all then over a hub',
    )
    .option('--source <NAME=WHERE>', 'your copy of the source of one of them (repeatable)', several, [])
    .option('--offline', 'use only what the store has')
    .option(...UNPINNED)
    .option('--kernel <KERNEL>', KERNEL_OF_GUESTS, '6.1')
    .option('--depth <LIST>', 'requests outstanding', '1,16,64')
    .option('--size <LIST>', 'bytes a request (default 1k,8k; with --direct or --cold 4k)')
    .option('--mix <LIST>', 'read, write or READS/WRITES as 70/30 (default read,write; else read)')
    .option('--seconds <N>', 'measured in each run', seconds, 1)
    .option('--rounds <N>', 'runs of each at each point, interleaved', whole(1, 1000), 5)
    .option('--mtu <BYTES>', 'of the wires (on hosts: at most)', wireMtu, 9000)
    .option('--direct', 'from the disk: the targets use direct I/O')
    .option('--cold', 'from the disk: the pages of the file are dropped before each run')
    .option('--file-size <SIZE>', 'of the backing file (default 256M; with --direct or --cold 2G)')
    .option(
      '--folder <PATH>',
      'where the backing file is made (default: the system’s temporary folder, on hosts /var/lib/aoe-lab)',
    )
    .option('--no-ceiling', 'leave out the reflector that shows how fast anything could be')
    .option('--html <FILE>', 'write the report as one HTML page')
    .option('--svg <FILE>', 'write the picture alone');
  siteOptions(hostOptions(command, { isFar: true, isInTurn: true }))
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const [{ describeBench }, { judge }] = await Promise.all([
        import('../ui/bench.js'),
        import('../../prove/bench/judge.js'),
      ]);
      const hosts = options.host ?? [];
      const interfaces = siteInterfaces('measuring targets', options.host?.join(','), options);
      if (interfaces === undefined) {
        const { print } = await import('../ui/output.js');
        const report = await measure(options, await benchOptions(options));
        print(report, options, () => describeBench(report));
        return judge(report);
      }
      refuseWithHosts(options, hosts);
      const reports: BenchReport[] = [];
      await onHosts(
        // They would disturb each other.
        { ...options, parallel: 1, showsSteps: true },
        async (host) => {
          const report = await measure(options, await benchOptions(options, await siteOn(host, interfaces)));
          reports.push(report);
          return report;
        },
        describeBench,
      );
      for (const report of reports) judge(report);
    });
}

/** One benchmark, its reports written to the files that were asked for. */
async function measure(options: Options, wanted: BenchOptions): Promise<BenchReport> {
  const [{ Bench }, { here }, { runSteps }] = await Promise.all([
    import('../../prove/bench/bench.js'),
    import('../../hosts/host/local.js'),
    import('../ui/tasks.js'),
  ]);
  const bench = new Bench(here, wanted);
  const { html, svg } = options;
  return withReportFiles({ svg, html }, (write) =>
    cleanedUp(bench, async () => {
      await runSteps(bench.steps(), false);
      const report = await bench.report();
      await write(await texts(report));
      const { note } = await import('../ui/output.js');
      for (const path of [svg, html]) if (path !== undefined) note(line`written: ${path}`);
      return report;
    }),
  );
}

/** @throws UsageError for what is done on this machine only */
function refuseWithHosts({ html, svg }: Options, hosts: readonly string[]): void {
  const happened = hosts.includes('here')
    ? NOT_HERE
    : hosts.length > 1 && (html !== undefined || svg !== undefined)
      ? '--html and --svg are for one report, and there is one of each host'
      : undefined;
  if (happened === undefined) return;
  throw new UsageError({
    tried: `measuring targets on ${hosts.join(', ')}`,
    happened,
    next: 'name one host, or leave it out',
  });
}

async function benchOptions(options: Options, site?: Site): Promise<BenchOptions> {
  const [
    { hasModules, parseContenders },
    { parseDepths, parseMixes, parseSizes },
    { parseSize },
    { resolve },
  ] = await Promise.all([
    import('../../prove/bench/contender-specs.js'),
    import('../../prove/bench/points.js'),
    import('../../base/units.js'),
    import('node:path'),
  ]);
  const mode = modeOf(options);
  const cached = mode === 'cached';
  const specs = parseContenders(options.impl, options.source);
  return {
    specs,
    offline: options.offline,
    unpinned: options.unpinned,
    kernel: options.kernel,
    hub: site === undefined && (await hasModules(specs)),
    depths: parseDepths(options.depth),
    sizes: parseSizes(options.size ?? (cached ? '1k,8k' : '4k')),
    mixes: parseMixes(options.mix ?? (cached ? 'read,write' : 'read')),
    seconds: options.seconds,
    rounds: options.rounds,
    mtu: options.mtu,
    mode,
    fileSize: parseSize(options.fileSize ?? (cached ? '256M' : '2G')),
    folder: site === undefined && options.folder !== undefined ? resolve(options.folder) : options.folder,
    site,
    ceiling: options.ceiling && cached && site === undefined,
  };
}

function modeOf({ direct, cold }: Options): Mode {
  if (direct && cold) throw new InvalidArgumentError('--direct and --cold exclude each other.');
  if (direct) return 'direct';
  return cold ? 'cold' : 'cached';
}

async function texts(report: BenchReport) {
  const [{ benchSvg }, { benchHtml }] = await Promise.all([
    import('../report/bench-svg.js'),
    import('../report/bench-html.js'),
  ]);
  return { svg: () => benchSvg(report), html: () => benchHtml(report) };
}

function seconds(value: string): number {
  const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= 0.1 && number <= 3600)) throw new InvalidArgumentError('expected 0.1 to 3600 seconds.');
  return number;
}
