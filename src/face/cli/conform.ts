import type { Command } from 'commander';
import { UsageError } from '../../base/errors.js';
import type { ConformOptions } from '../../prove/conform/conform.js';
import type { ConformReport } from '../../prove/conform/results.js';
import type { Mac } from '../../wire/aoe/index.js';
import { type HostOptions, hostOptions, onHosts } from './hosts.js';
import {
  KERNEL_OF_GUESTS,
  NOT_HERE,
  placeOption,
  type SiteOptions,
  siteInterfaces,
  siteOn,
  siteOptions,
  targetOption,
  UNPINNED,
  wireMtu,
} from './options.js';
import { withReportFiles } from './report-files.js';
import { untilSignal } from './signals.js';

interface Options extends HostOptions, SiteOptions {
  impl?: string[];
  release?: string;
  source?: string;
  offline?: boolean;
  unpinned?: boolean;
  kernel: string;
  target?: 'here' | 'vm';
  only?: string;
  mtu: number;
  list?: boolean;
  junit?: string;
  html?: string;
  frames?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('conform')
    .description(
      'what targets really do: cases of the AoE specification, tried on a private wire, or on hosts over SSH',
    )
    .option('--impl <IMPL,...>', 'implementations, IMPL or IMPL@RELEASE (default: native)', names)
    .option('--release <VERSION>', 'release, where one implementation is named')
    .option('--source <WHERE>', 'your copy of the source, where one implementation is named')
    .option('--offline', 'use only what the store has')
    .option(...UNPINNED)
    .option('--kernel <KERNEL>', KERNEL_OF_GUESTS, '6.1')
    .addOption(targetOption())
    .option('--only <GLOB>', 'only cases of such a name: "ata-28.*", "*.Write.*|flush.*"')
    .option('--mtu <BYTES>', 'of the wire (on hosts: at most)', wireMtu, 9000)
    .option('--list', 'list the cases, run none')
    .option('--frames', 'show the frames of failed cases');
  siteOptions(hostOptions(command, { isFar: true }))
    .option('--json', 'print JSON')
    .option('--junit <FILE>', 'write a JUnit report')
    .option('--html <FILE>', 'write a report as one HTML page')
    .action(async (options: Options) => {
      const [{ print }, { describeCases, describeConform, noteResult }, { selectCases }] = await Promise.all([
        import('../ui/output.js'),
        import('../ui/conform.js'),
        import('../../prove/conform/select.js'),
      ]);
      const cases = selectCases(options.only);
      if (options.list) {
        const listed = cases.map(({ name, rule, section, severity }) => ({ name, rule, section, severity }));
        print(listed, options, () => describeCases(listed));
        return;
      }
      const describe = (reports: readonly ConformReport[]): string =>
        describeConform(reports, options.frames ?? false);
      const interfaces = siteInterfaces('running the suite', options.host?.join(','), options);
      const reports: ConformReport[] = [];
      await withReportFiles({ junit: options.junit, html: options.html }, async (write) => {
        if (interfaces === undefined) {
          reports.push(...(await run(options, noteResult)));
          print(oneOrAll(reports), options, () => describe(reports));
        } else reports.push(...(await runOnHosts(options, interfaces, noteResult, describe)));
        await write(await texts(reports));
      });
      const { hasNewFaults } = await import('../../prove/conform/results.js');
      const { ExitCode } = await import('../../base/errors.js');
      if (reports.some(hasNewFaults)) process.exitCode = ExitCode.faults;
    });
}

function names(value: string): string[] {
  return value.split(',').map((name) => name.trim());
}

/** One is printed as it is. */
function oneOrAll(reports: ConformReport[]): ConformReport | ConformReport[] {
  const [first, ...others] = reports;
  return first !== undefined && others.length === 0 ? first : reports;
}

type NoteResult = (name: string, done: number, total: number) => void;

/** All hosts are on one segment: each suite hears its own target alone. @returns the reports of hosts that did not fail */
async function runOnHosts(
  options: Options,
  interfaces: { iface: string; wire: string },
  noteResult: NoteResult,
  describe: (reports: readonly ConformReport[]) => string,
): Promise<ConformReport[]> {
  const hosts = options.host ?? [];
  if (options.target !== undefined || hosts.includes('here')) {
    throw new UsageError({
      tried: `running the suite on ${hosts.join(', ')}`,
      happened: NOT_HERE,
      next: 'leave --target out; for this machine, leave --host out',
    });
  }
  const companions = new Set<Mac>();
  const found: ConformReport[] = [];
  await onHosts(
    options,
    async (host) => {
      const note: NoteResult = (name, done, total) => noteResult(`${host.name}: ${name}`, done, total);
      const reports = await run(options, note, {
        site: await siteOn(host, interfaces),
        companions,
      });
      found.push(...reports);
      return { reports };
    },
    ({ reports }) => describe(reports),
    ({ reports }) => (hosts.length === 1 || reports.length === 1 ? oneOrAll(reports) : { reports }),
  );
  return found;
}

async function run(
  options: Options,
  noteResult: NoteResult,
  where: Pick<ConformOptions, 'site' | 'companions'> = {},
): Promise<ConformReport[]> {
  const [{ conform }, { here }, { selectCases }] = await Promise.all([
    import('../../prove/conform/conform.js'),
    import('../../hosts/host/local.js'),
    import('../../prove/conform/select.js'),
  ]);
  const impls = options.impl ?? ['native'];
  if (impls.length > 1 && (options.release !== undefined || options.source !== undefined)) {
    throw new UsageError({
      tried: `running the suite against ${impls.join(', ')}`,
      happened: '--release and --source belong to one implementation',
      next: 'name releases as IMPL@RELEASE, or run it once for each',
    });
  }
  return untilSignal('running the suite', async (signal) => {
    const reports: ConformReport[] = [];
    for (const word of impls) {
      const [name = '', release = options.release] = word.split('@');
      const report = await conform(here, name, {
        release,
        source: options.source,
        offline: options.offline,
        unpinned: options.unpinned,
        kernel: options.kernel,
        place: placeOption(options.target),
        ...where,
        cases: selectCases(options.only),
        mtu: options.mtu,
        signal,
        onResult: (result, done, total) => noteResult(result.name, done, total),
      });
      reports.push(report);
    }
    return reports;
  });
}

async function texts(reports: readonly ConformReport[]) {
  const [{ conformAsJunit }, { conformAsHtml }] = await Promise.all([
    import('../report/junit.js'),
    import('../report/html.js'),
  ]);
  return { junit: () => conformAsJunit(reports), html: () => conformAsHtml(reports) };
}
