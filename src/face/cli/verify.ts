import { type Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../../base/errors.js';
import type { AcceptanceReport } from '../../prove/acceptance/acceptance.js';
import type { Placement } from '../../prove/acceptance/placement.js';
import type { TestName } from '../../prove/acceptance/record.js';
import type { Place } from '../../prove/testbed/place.js';
import type { Site } from '../../prove/testbed/remote-dut.js';
import { line } from '../ui/colors.js';
import { ACCEPT_NEW, onOneHost } from './hosts.js';
import {
  KERNEL_OF_GUESTS,
  placeOption,
  type SiteOptions,
  siteInterfaces,
  siteOn,
  siteOptions,
  UNPINNED,
  whole,
  wireMtu,
} from './options.js';
import { withReportFiles } from './report-files.js';
import { untilSignal } from './signals.js';

interface Options extends SiteOptions {
  impl: string[];
  release?: string;
  source?: string;
  offline?: boolean;
  unpinned?: boolean;
  kernel: string;
  clientKernel?: string;
  test?: TestName[];
  target?: string;
  initiator: string;
  acceptNew?: boolean;
  mtu: number;
  fileMib: number;
  inPlace?: boolean;
  json?: boolean;
  junit?: string;
  html?: string;
}

/** As the handbook numbers them. */
const NUMBERS: Readonly<Record<string, TestName>> = { 1: 'basic', 2: 'load', 3: 'failure', 4: 'restart' };

export function register(program: Command): void {
  const command = program
    .command('verify')
    .description('the acceptance tests: a target, and the Linux aoe driver in a guest as its client')
    .requiredOption('--impl <IMPL,...>', 'implementations', (value) => value.split(','))
    .option('--release <VERSION>', 'release, where one implementation is named')
    .option('--source <WHERE>', 'your copy of the source, where one implementation is named')
    .option('--offline', 'use only what the store has')
    .option(...UNPINNED)
    .option('--kernel <KERNEL>', KERNEL_OF_GUESTS, '6.1')
    .option('--client-kernel <KERNEL>', "of the client's guest, if it is another")
    .option('--test <LIST>', 'of 1 (basic), 2 (load), 3 (failure), 4 (restart) (default: all)', testNames)
    .option(
      '--target <WHERE>',
      'where the target runs (modules: vm, others: here), or a host over SSH, with --iface and --wire',
    )
    .option(
      '--initiator <WHERE>',
      "the client: the Linux aoe driver in a guest (vm), or of a host over SSH, with --iface and --wire; or aoe-lab's own (here), which skips what needs a device",
      'vm',
    )
    .option('--mtu <BYTES>', 'of the wire (on hosts: at most)', wireMtu, 9000)
    .option('--file-mib <MIB>', 'that test 1 writes', whole(1, 200), 100);
  siteOptions(command)
    .option(...ACCEPT_NEW)
    .addOption(new Option('--in-place', 'use the network namespace of this process').hideHelp())
    .option('--json', 'print JSON, with the commands of every step and what they printed')
    .option('--junit <FILE>', 'write a JUnit report')
    .option('--html <FILE>', 'write a report as one HTML page')
    .action(async (options: Options) => {
      const [{ here }, { print, note }, { describeAcceptance }, { ExitCode }, { TESTS }] = await Promise.all([
        import('../../hosts/host/local.js'),
        import('../ui/output.js'),
        import('../ui/acceptance.js'),
        import('../../base/errors.js'),
        import('../../prove/acceptance/record.js'),
      ]);
      const tests = options.test ?? (Object.keys(TESTS) as TestName[]);
      const [{ needsNamespace, prepare }, { asUser }] = await Promise.all([
        import('../../prove/acceptance/prepare.js'),
        import('../../prove/testbed/as-user.js'),
      ]);
      const host = farHost(options);
      // A namespace of a user's has no way to a host.
      if (host === undefined && (await here.facts()).uid !== 0 && (await needsNamespace(options.impl))) {
        const preparation = () =>
          prepare(options.impl, { ...options, tests, client: near(options.initiator) ?? 'guest' });
        process.exitCode = await asUser(here, preparation, process.argv.slice(1));
        return;
      }
      const reports = await withReportFiles({ junit: options.junit, html: options.html }, async (write) => {
        const found = await run(options, tests, note);
        await write(await texts(found));
        return found;
      });
      print(reports.length === 1 ? reports[0] : reports, options, () => describeAcceptance(reports));
      if (reports.some(({ passed }) => !passed)) process.exitCode = ExitCode.faults;
    });
}

async function run(
  options: Options,
  tests: readonly TestName[],
  note: (text: string) => void,
): Promise<AcceptanceReport[]> {
  const [{ accept }, { here }] = await Promise.all([
    import('../../prove/acceptance/acceptance.js'),
    import('../../hosts/host/local.js'),
  ]);
  const { release, source, offline, unpinned, kernel, clientKernel, mtu, fileMib, acceptNew } = options;
  const common = { release, source, offline, unpinned, tests, kernel, clientKernel, mtu, fileMib };
  const host = farHost(options);
  const interfaces = siteInterfaces('running the acceptance tests', host, options);
  const all = (found?: Site) =>
    untilSignal('running the acceptance tests', async (signal) => {
      const reports: AcceptanceReport[] = [];
      for (const implementation of options.impl) {
        const report = await accept(here, {
          ...common,
          implementation,
          signal,
          placement: placementOf(options, found),
          onStep: (test, step) => note(line`${implementation}: ${test}: ${step}`),
        });
        reports.push(report);
      }
      return reports;
    });
  if (host === undefined || interfaces === undefined) return all();
  return onOneHost({ host: [host], acceptNew }, async (found) => all(await siteOn(found, interfaces)));
}

/** @param on the host over SSH that one of them is on */
function placementOf({ target, initiator, inPlace }: Options, on: Site | undefined): Placement {
  const nearTarget = { target: near(target), inPlace };
  const client = near(initiator) ?? 'guest';
  if (on === undefined) return { ...nearTarget, client };
  return isFar(target) ? { far: 'target', on, client } : { far: 'client', on, ...nearTarget };
}

/** Whether a host over SSH is named. */
function isFar(place: string | undefined): place is string {
  return place !== undefined && place !== 'here' && place !== 'vm';
}

/** On this machine. */
function near(place: string | undefined): Place | undefined {
  return isFar(place) ? undefined : placeOption(place as 'here' | 'vm' | undefined);
}

/**
 * The host that the target or the client is on; undefined: both are on this machine.
 * @throws UsageError for two hosts
 */
function farHost({ target, initiator }: Options): string | undefined {
  if (!isFar(target) || !isFar(initiator)) return [target, initiator].find(isFar);
  throw new UsageError({
    tried: `taking ${target} for the target and ${initiator} for the client`,
    happened: 'frames between two hosts pass by this machine, which could not cut their wire',
    next: 'name one of them',
  });
}

async function texts(reports: readonly AcceptanceReport[]) {
  const [{ acceptanceAsJunit }, { acceptanceAsHtml }] = await Promise.all([
    import('../report/acceptance-junit.js'),
    import('../report/acceptance-html.js'),
  ]);
  return { junit: () => acceptanceAsJunit(reports), html: () => acceptanceAsHtml(reports) };
}

function testNames(value: string): TestName[] {
  return value.split(',').map((word) => {
    const name = Object.values(NUMBERS).find((one) => one === word) ?? NUMBERS[word];
    if (name === undefined) throw new InvalidArgumentError('Take 1 to 4, joined by commas.');
    return name;
  });
}
