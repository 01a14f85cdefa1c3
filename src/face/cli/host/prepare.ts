import { type Command, Option } from 'commander';
import type { Purpose } from '../../../hosts/prepare/needs.js';
import { line } from '../../ui/colors.js';
import { closingHosts } from '../hosts.js';
import { integer } from '../options.js';

interface Options {
  for: 'run' | 'build';
  install?: boolean;
  iface?: string;
  mtu?: number;
  vlan?: number;
  dryRun?: boolean;
  yes?: boolean;
  json?: boolean;
}

export function register(host: Command): void {
  host
    .command('prepare')
    .argument('<NAME>', 'as of check')
    .description('make a host ready; every change is listed first, and undone by remove --purge')
    .addOption(
      new Option('--for <PURPOSE>', 'what it is wanted for').choices(['run', 'build']).default('build'),
    )
    .option('--install', 'install missing packages')
    .option('--iface <IFACE>', 'interface that is to carry AoE: brought up')
    .option('--mtu <BYTES>', 'of that interface', integer)
    .option('--vlan <NUMBER>', 'VLAN on that interface: made and brought up', integer)
    .option('--dry-run', 'print the commands and change nothing')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'print JSON')
    .action((name: string, options: Options) => closingHosts(() => prepare(name, options)));
}

async function prepare(name: string, options: Options): Promise<void> {
  const [
    { findHost },
    { lackingAfter, planFor },
    { prepareHost },
    { print, note },
    { describeChanges },
    { agree },
    { ExitCode, MissingError },
    { counted },
  ] = await Promise.all([
    import('../../../hosts/book/find.js'),
    import('../../../hosts/prepare/plan-for.js'),
    import('../../../hosts/prepare/prepare.js'),
    import('../../ui/output.js'),
    import('../../ui/hosts.js'),
    import('../../ui/confirm.js'),
    import('../../../base/errors.js'),
    import('../../../base/units.js'),
  ]);
  const host = await findHost(name);
  const purposes: Purpose[] = options.for === 'build' ? ['run', 'build'] : ['run'];
  const { install = false, iface, mtu, vlan, dryRun: isDryRun = false } = options;
  const { changes, advice } = await planFor(host, { purposes, install, iface, mtu, vlan });
  for (const told of advice) note(line`${told}`);
  if (!isDryRun && changes.length > 0) {
    if (!options.json || !options.yes) note(`${line`on ${name}:`}\n${describeChanges(changes)}`);
    if (!options.yes) {
      await agree(`Make these changes on ${name}?`, {
        tried: `preparing ${name}`,
        next: 'say --yes, or --dry-run to see the commands alone',
      });
    }
    await prepareHost(host, changes, ({ title }) => note(line`${name}: ${title}`));
  }
  const lacking = isDryRun ? [] : await lackingAfter(host, changes, purposes);
  const result = changes.map(({ title, commands }) => ({ title, commands }));
  print({ name, isDryRun, changes: result, advice, missing: lacking }, options, () => {
    if (changes.length === 0) return line`nothing is to be changed on ${name}`;
    return isDryRun
      ? describeChanges(changes)
      : line`${name} is prepared: ${counted(changes.length, 'change')}`;
  });
  if (lacking.length === 0) return;
  // What was found is on standard output already.
  if (options.json) process.exitCode ??= ExitCode.missing;
  else
    throw new MissingError({
      tried: `preparing ${name}`,
      happened: `the packages were installed, and do not hold all that is missing: ${lacking.join(', ')}`,
      next: [...new Set(changes.flatMap(({ installs }) => installs ?? []).flatMap(({ next }) => next))],
      missing: lacking,
    });
}
