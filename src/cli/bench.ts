import { type Command, InvalidArgumentError } from 'commander';
import type { BenchOptions } from '../verify/bench/bench.js';
import type { BenchReport, Mode } from '../verify/bench/bench-report.js';
import { integer, KERNEL_OF_GUESTS, several } from './options.js';
import { cleanedUp } from './signals.js';

interface Options {
  impl: string;
  source: string[];
  offline?: boolean;
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
  json?: boolean;
  html?: string;
  svg?: string;
}

export function register(program: Command): void {
  program
    .command('bench')
    .description(
      'measure targets side by side: IOPS, throughput, latency, CPU time, on private wires, in turn',
    )
    .requiredOption(
      '--impl <LIST>',
      'implementations, IMPL or IMPL@RELEASE, joined by commas; also nbdkit, qemu-nbd, tgt (what one might pick instead) and fio (the file itself). Kernel modules run in guests, and all then over a hub',
    )
    .option('--source <NAME=WHERE>', 'your copy of the source of one of them (repeatable)', several, [])
    .option('--offline', 'use only what the store has')
    .option('--kernel <KERNEL>', KERNEL_OF_GUESTS, '6.1')
    .option('--depth <LIST>', 'requests outstanding', '1,16,64')
    .option('--size <LIST>', 'bytes a request (default 1k,8k; with --direct or --cold 4k)')
    .option('--mix <LIST>', 'read, write or READS/WRITES as 70/30 (default read,write; else read)')
    .option('--seconds <N>', 'measured in each run', seconds, 1)
    .option('--rounds <N>', 'runs of each at each point, interleaved', integer, 5)
    .option('--mtu <BYTES>', 'of the wires', integer, 9000)
    .option('--direct', 'from the disk: the targets use direct I/O')
    .option('--cold', 'from the disk: the pages of the file are dropped before each run')
    .option('--file-size <SIZE>', 'of the backing file (default 256M; with --direct or --cold 2G)')
    .option('--folder <PATH>', 'where the backing file is made (default: the system’s temporary folder)')
    .option('--no-ceiling', 'leave out the reflector that shows how fast anything could be')
    .option('--html <FILE>', 'write the report as one HTML page')
    .option('--svg <FILE>', 'write the picture alone')
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const [{ Bench }, { here }, { print }, { runSteps }, { describeBench }] = await Promise.all([
        import('../verify/bench/bench.js'),
        import('../host/local.js'),
        import('../ui/output.js'),
        import('../ui/tasks.js'),
        import('../ui/bench.js'),
      ]);
      const bench = new Bench(here, await benchOptions(options));
      await cleanedUp(bench, async () => {
        await runSteps(bench.steps(), false);
        const report = await bench.report();
        await writeReports(report, options);
        print(report, options, () => describeBench(report));
        (await import('../verify/bench/judge.js')).judge(report);
      });
    });
}

async function benchOptions(options: Options): Promise<BenchOptions> {
  const [
    { hasModules, parseEntrants },
    { parseDepths, parseMixes, parseSizes },
    { parseSize },
    { tmpdir },
    { resolve },
  ] = await Promise.all([
    import('../verify/bench/entrants.js'),
    import('../verify/bench/points.js'),
    import('../units.js'),
    import('node:os'),
    import('node:path'),
  ]);
  const mode = modeOf(options);
  const cached = mode === 'cached';
  const entrants = parseEntrants(options.impl, options.source);
  return {
    entrants,
    offline: options.offline,
    kernel: options.kernel,
    hub: await hasModules(entrants),
    depths: parseDepths(options.depth),
    sizes: parseSizes(options.size ?? (cached ? '1k,8k' : '4k')),
    mixes: parseMixes(options.mix ?? (cached ? 'read,write' : 'read')),
    seconds: options.seconds,
    rounds: Math.max(1, options.rounds),
    mtu: options.mtu,
    mode,
    fileSize: parseSize(options.fileSize ?? (cached ? '256M' : '2G')),
    folder: resolve(options.folder ?? tmpdir()),
    ceiling: options.ceiling && cached,
  };
}

function modeOf({ direct, cold }: Options): Mode {
  if (direct && cold) throw new InvalidArgumentError('--direct and --cold exclude each other.');
  if (direct) return 'direct';
  return cold ? 'cold' : 'cached';
}

async function writeReports(report: BenchReport, { html, svg }: Options): Promise<void> {
  if (html === undefined && svg === undefined) return;
  const [{ benchSvg }, { benchHtml }, { writeFile }, { note }] = await Promise.all([
    import('../report/bench-svg.js'),
    import('../report/bench-html.js'),
    import('node:fs/promises'),
    import('../ui/output.js'),
  ]);
  if (svg !== undefined) await writeFile(svg, benchSvg(report));
  if (html !== undefined) await writeFile(html, await benchHtml(report));
  for (const path of [svg, html]) if (path !== undefined) note(`written: ${path}`);
}

function seconds(value: string): number {
  const number = Number(value);
  if (!(number >= 0.1 && number <= 3600)) throw new InvalidArgumentError('expected 0.1 to 3600 seconds.');
  return number;
}
