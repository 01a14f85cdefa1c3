import { type Command, Option } from 'commander';
import { ExitCode, LabError, MissingError, UsageError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import type { Diagnosis, Purpose } from '../../manage/doctor/doctor.js';
import { line } from '../ui/colors.js';
import { type HostOptions, hostOptions, onHosts } from './hosts.js';

interface Options extends HostOptions {
  for: Purpose;
  impl?: string;
  install?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('doctor')
    .description('what this machine, or hosts, have and lack; --install brings what is missing')
    .addOption(
      new Option('--for <PURPOSE>', 'what it is wanted for').choices(['use', 'demo', 'test']).default('use'),
    )
    .option('--impl <IMPL>', 'implementation the demo takes')
    .option(
      '--install',
      'install the missing packages: Debian’s here; on hosts, and where this is no Debian, as host prepare does',
    );
  hostOptions(command)
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      if (options.host !== undefined) return examineHosts(options, options.host);
      if (options.install && !(await install(options))) return;
      await examineHere(options);
    });
}

async function examineHere(options: Options): Promise<void> {
  const [{ loadRecipes }, { diagnose }, { here }, { print }, { describeDiagnosis }] = await Promise.all([
    import('../../make/recipe/load.js'),
    import('../../manage/doctor/doctor.js'),
    import('../../hosts/host/local.js'),
    import('../ui/output.js'),
    import('../ui/doctor.js'),
  ]);
  const diagnosis = await diagnose(here, await loadRecipes(), options.for, { implementation: options.impl });
  if (!options.install) print(diagnosis, options, () => describeDiagnosis(diagnosis));
  complain(new Map([['this machine', diagnosis]]), options, 'aoe-lab doctor --install');
}

/** Installs here what is missing. @returns whether it is worth another look */
async function install(options: Options): Promise<boolean> {
  const [{ loadRecipes }, { diagnose, installPackages }, { installOnHost }, { here }, { note }] =
    await Promise.all([
      import('../../make/recipe/load.js'),
      import('../../manage/doctor/doctor.js'),
      import('../../manage/doctor/doctor-host.js'),
      import('../../hosts/host/local.js'),
      import('../ui/output.js'),
    ]);
  const recipes = await loadRecipes();
  const { missing, manager, packages } = await diagnose(here, recipes, options.for, {
    implementation: options.impl,
  });
  if (missing.length === 0) return false;
  const isDebian = manager === 'apt';
  if (!isDebian && options.for === 'test') {
    throw new MissingError({
      tried: 'installing what the tests need',
      happened: `only Debian’s packages of it are known, and packages come here by ${manager ?? 'nothing that aoe-lab knows'}`,
      next: `install by hand what brings ${missing.map(({ name }) => name).join(', ')}`,
      missing: missing.map(({ name }) => name),
    });
  }
  if (packages.length > 0 && process.stdin.isTTY && process.getuid?.() === 0) {
    const { agree } = await import('../ui/confirm.js');
    await agree(`Install the packages ${packages.join(' ')}?`, {
      tried: 'preparing this machine',
      next: 'aoe-lab doctor tells what is missing',
    });
  }
  try {
    if (isDebian) {
      note(line`installing the Debian packages ${packages.join(' ')}`);
      await installPackages(here, packages);
    } else for (const told of await installOnHost(here, note)) note(line`${told}`);
  } catch (error) {
    if (options.for !== 'demo' || !(error instanceof LabError)) throw error;
    const [why] = error.facts.happened.split('\n');
    note(line`not installed (${why}); the demo does without what it can`);
    return false;
  }
  note('installed');
  return true;
}

async function examineHosts(options: Options, names: readonly string[]): Promise<void> {
  if (options.for !== 'use' || options.impl !== undefined) {
    throw new UsageError({
      tried: `looking at ${names.join(', ')}`,
      happened: 'demo and tests run on this machine; hosts are looked at for use',
      next: 'leave --for and --impl out, or --host',
    });
  }
  const [{ loadRecipes }, { diagnose }, { diagnoseHost, installOnHost }, { note }, { describeDiagnosis }] =
    await Promise.all([
      import('../../make/recipe/load.js'),
      import('../../manage/doctor/doctor.js'),
      import('../../manage/doctor/doctor-host.js'),
      import('../ui/output.js'),
      import('../ui/doctor.js'),
    ]);
  const recipes = await loadRecipes();
  if (options.install && process.stdin.isTTY) {
    const next = `aoe-lab host prepare ${names[0]} --dry-run shows what would be done`;
    const { agree } = await import('../ui/confirm.js');
    await agree(`Install what is missing on ${names.join(', ')}?`, { tried: 'preparing hosts', next });
  }
  const found = new Map<string, Diagnosis>();
  const examine = async (host: Host): Promise<Diagnosis> => {
    if (options.install) {
      const advice = await installOnHost(host, (title) => note(line`${host.name}: ${title}`));
      for (const told of advice) note(line`${host.name}: ${told}`);
    }
    const diagnosis = host.isHere ? await diagnose(host, recipes, 'use') : await diagnoseHost(host, recipes);
    found.set(host.name, diagnosis);
    return diagnosis;
  };
  await onHosts(options, examine, describeDiagnosis);
  complain(found, options, `aoe-lab doctor --host ${names.join(',')} --install`);
}

/**
 * What was found is on standard output already; JSON is the whole of it.
 * @throws MissingError if something is missing
 */
function complain(found: ReadonlyMap<string, Diagnosis>, options: Options, remedy: string): void {
  const lacking = [...found].filter(([, { missing }]) => missing.length > 0);
  if (lacking.length === 0) return;
  if (options.json) {
    process.exitCode ??= ExitCode.missing;
    return;
  }
  const names = (diagnosis: Diagnosis): string[] => diagnosis.missing.map(({ name }) => name);
  throw new MissingError({
    tried: `looking at ${lacking.map(([name]) => name).join(', ')} for "${options.for}"`,
    happened: lacking.map(
      ([name, one]) => line`missing${found.size > 1 ? ` on ${name}` : ''}: ${names(one).join(', ')}`,
    ),
    next: options.install
      ? 'the packages are installed and do not hold it: look at the package lists'
      : remedy,
    missing: lacking.flatMap(([, one]) => names(one)),
  });
}
