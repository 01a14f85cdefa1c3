import { type Command, InvalidArgumentError, Option } from 'commander';
import type { AcceptanceReport } from '../verify/acceptance/acceptance.js';
import type { TestName } from '../verify/acceptance/record.js';
import { integer, KERNEL_OF_GUESTS, placeOption, targetOption } from './options.js';
import { untilSignal } from './signals.js';

interface Options {
  impl: string[];
  release?: string;
  source?: string;
  offline?: boolean;
  kernel: string;
  clientKernel?: string;
  test?: TestName[];
  target?: 'here' | 'vm';
  initiator: 'here' | 'vm';
  mtu: number;
  inPlace?: boolean;
  json?: boolean;
  junit?: string;
  html?: string;
}

/** As the handbook numbers them. */
const NUMBERS: Readonly<Record<string, TestName>> = { 1: 'basic', 2: 'load', 3: 'failure', 4: 'restart' };

export function register(program: Command): void {
  program
    .command('verify')
    .description('the acceptance tests: a target, and the Linux aoe driver in a guest as its client')
    .requiredOption('--impl <IMPL,...>', 'implementations', (value) => value.split(','))
    .option('--release <VERSION>', 'release, where one implementation is named')
    .option('--source <WHERE>', 'your copy of the source, where one implementation is named')
    .option('--offline', 'use only what the store has')
    .option('--kernel <KERNEL>', KERNEL_OF_GUESTS, '6.1')
    .option('--client-kernel <KERNEL>', "of the client's guest, if it is another")
    .option('--test <LIST>', 'of 1 (basic), 2 (load), 3 (failure), 4 (restart); all otherwise', testNames)
    .addOption(targetOption())
    .addOption(
      new Option(
        '--initiator <WHERE>',
        "the client: the Linux aoe driver in a guest (vm), or aoe-lab's own here, which skips what needs a device",
      )
        .choices(['here', 'vm'])
        .default('vm'),
    )
    .option('--mtu <BYTES>', 'of the wire', integer, 9000)
    .addOption(new Option('--in-place', 'use the network namespace of this process').hideHelp())
    .option('--json', 'print JSON, with the commands of every step and what they printed')
    .option('--junit <FILE>', 'write a JUnit report')
    .option('--html <FILE>', 'write a report as one HTML page')
    .action(async (options: Options) => {
      const [{ here }, { print, note }, { describeAcceptance }, { ExitCode }, { TESTS }] = await Promise.all([
        import('../host/local.js'),
        import('../ui/output.js'),
        import('../ui/acceptance.js'),
        import('../errors.js'),
        import('../verify/acceptance/record.js'),
      ]);
      const tests = options.test ?? (Object.keys(TESTS) as TestName[]);
      const [{ needsNamespace, prepare }, { asUser }] = await Promise.all([
        import('../verify/acceptance/prepare.js'),
        import('../verify/as-user.js'),
      ]);
      if ((await here.facts()).uid !== 0 && (await needsNamespace(options.impl))) {
        const preparation = () =>
          prepare(options.impl, { ...options, tests, initiator: placeOption(options.initiator) });
        process.exitCode = await asUser(here, preparation, process.argv.slice(1));
        return;
      }
      const reports = await run(options, tests, note);
      await writeReports(reports, options);
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
    import('../verify/acceptance/acceptance.js'),
    import('../host/local.js'),
  ]);
  const { release, source, offline, kernel, clientKernel, mtu, inPlace } = options;
  return untilSignal('running the acceptance tests', async (signal) => {
    const reports: AcceptanceReport[] = [];
    for (const implementation of options.impl) {
      const report = await accept(here, {
        ...{ implementation, release, source, offline, tests, kernel, clientKernel, mtu, inPlace, signal },
        place: placeOption(options.target),
        initiator: placeOption(options.initiator),
        onStep: (test, step) => note(`${implementation}: ${test}: ${step}`),
      });
      reports.push(report);
    }
    return reports;
  });
}

async function writeReports(reports: readonly AcceptanceReport[], { junit, html }: Options): Promise<void> {
  const { writeFile } = await import('node:fs/promises');
  if (junit !== undefined) {
    const { acceptanceAsJunit } = await import('../report/acceptance-junit.js');
    await writeFile(junit, acceptanceAsJunit(reports));
  }
  if (html !== undefined) {
    const { acceptanceAsHtml } = await import('../report/acceptance-html.js');
    await writeFile(html, await acceptanceAsHtml(reports));
  }
}

function testNames(value: string): TestName[] {
  return value.split(',').map((word) => {
    const name = Object.values(NUMBERS).find((one) => one === word) ?? NUMBERS[word];
    if (name === undefined) throw new InvalidArgumentError('Take 1 to 4, joined by commas.');
    return name;
  });
}
