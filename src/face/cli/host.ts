import { type Command, Option } from 'commander';
import type { Purpose } from '../../hosts/prepare/needs.js';
import { line } from '../ui/colors.js';
import { ACCEPT_NEW, closingHosts } from './hosts.js';
import { integer, whole } from './options.js';

interface AddOptions {
  user?: string;
  port?: number;
  identity?: string;
  jump?: string;
  sudo?: 'auto' | 'never';
  acceptNew?: boolean;
  unchecked?: boolean;
  json?: boolean;
}

interface PrepareOptions {
  for: 'run' | 'build';
  install?: boolean;
  iface?: string;
  mtu?: number;
  vlan?: number;
  dryRun?: boolean;
  yes?: boolean;
  json?: boolean;
}

const JSON_OPTION = ['--json', 'print JSON'] as const;

export function register(program: Command): void {
  const host = program
    .command('host')
    .description('hosts over SSH: names for them, what they are, and getting them ready');
  host
    .command('add')
    .argument('<NAME>', 'to call it by')
    .argument('<ADDRESS>', '[USER@]ADDRESS[:PORT], or a name of ssh’s configuration')
    .description('put a host in the book, once it has been reached')
    .option('--port <PORT>', 'of its sshd', whole(1, 65535))
    .option('--identity <FILE>', 'private key to log in with')
    .option('--jump <HOSTS>', 'to go over, joined by commas')
    .addOption(
      new Option('--sudo <WHEN>', 'how a user who is not root gets root’s rights').choices(['auto', 'never']),
    )
    .option(...ACCEPT_NEW)
    .option('--unchecked', 'without trying to reach it')
    .option(...JSON_OPTION)
    .action((name: string, address: string, options: AddOptions) =>
      closingHosts(() => add(name, address, options)),
    );
  host
    .command('list')
    .description('the hosts of the book')
    .option(...JSON_OPTION)
    .action(list);
  host
    .command('check')
    .argument('<NAME>', 'of the book or of ssh’s configuration; `here` is this machine')
    .description('what a host is and has, and what it lacks')
    .option(...ACCEPT_NEW)
    .option(...JSON_OPTION)
    .action((name: string, options: { acceptNew?: boolean; json?: boolean }) =>
      closingHosts(() => check(name, options)),
    );
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
    .option(...JSON_OPTION)
    .action((name: string, options: PrepareOptions) => closingHosts(() => prepare(name, options)));
  host
    .command('remove')
    .argument('<NAME>', 'as of check')
    .description('take a host out of the book')
    .option('--purge', 'undo what prepare changed there')
    .option(...JSON_OPTION)
    .action((name: string, options: { purge?: boolean; json?: boolean }) =>
      closingHosts(() => remove(name, options)),
    );
}

async function add(name: string, address: string, options: AddOptions): Promise<void> {
  const [
    { addToBook, readBook, removeFromBook },
    { findHost },
    { print },
    { resolve },
    { parseDestination },
  ] = await Promise.all([
    import('../../hosts/book/book.js'),
    import('../../hosts/book/find.js'),
    import('../ui/output.js'),
    import('node:path'),
    import('../../hosts/ssh/client/address.js'),
  ]);
  const { host, user, port } = parseDestination(address);
  const { identity, jump, sudo } = options;
  const entry = {
    address: host,
    ...(user === undefined ? {} : { user }),
    ...((options.port ?? port) === undefined ? {} : { port: options.port ?? port }),
    ...(identity === undefined ? {} : { identity: resolve(identity) }),
    ...(jump === undefined ? {} : { jump }),
    ...(sudo === undefined ? {} : { sudo }),
  };
  const before = (await readBook()).get(name);
  await addToBook(name, entry);
  if (!options.unchecked) {
    try {
      await findHost(name, { acceptNew: options.acceptNew });
    } catch (error) {
      if (before === undefined) await removeFromBook(name);
      else await addToBook(name, before);
      throw error;
    }
  }
  print(
    { name, ...entry },
    options,
    () => line`${name} is in the book${options.unchecked ? '' : ' and can be reached'}`,
  );
}

async function list(options: { json?: boolean }): Promise<void> {
  const [{ readBook }, { print }, { describeBook }] = await Promise.all([
    import('../../hosts/book/book.js'),
    import('../ui/output.js'),
    import('../ui/hosts.js'),
  ]);
  const book = await readBook();
  print(
    [...book].map(([name, entry]) => ({ name, ...entry })),
    options,
    () => (book.size === 0 ? 'the book is empty; aoe-lab host add NAME [USER@]ADDRESS' : describeBook(book)),
  );
}

async function check(name: string, options: { acceptNew?: boolean; json?: boolean }): Promise<void> {
  const [{ findHost }, { surveyHost }, { print }, { describeSurvey }, { MissingError }] = await Promise.all([
    import('../../hosts/book/find.js'),
    import('../../hosts/prepare/survey.js'),
    import('../ui/output.js'),
    import('../ui/hosts.js'),
    import('../../base/errors.js'),
  ]);
  const host = await findHost(name, { acceptNew: options.acceptNew });
  const survey = await surveyHost(host);
  print({ name, ...survey }, options, () => describeSurvey(name, survey));
  const lacking = survey.missing.filter(({ purpose }) => purpose === 'run').map((need) => need.name);
  // What was found is on standard output already.
  if (lacking.length > 0 && !options.json) {
    throw new MissingError({
      tried: `looking at ${name}`,
      happened: `missing there: ${lacking.join(', ')}`,
      next: `aoe-lab host prepare ${name} --for run --install`,
      missing: lacking,
    });
  }
}

async function prepare(name: string, options: PrepareOptions): Promise<void> {
  const [
    { findHost },
    { surveyHost },
    { lackedNeeds, planPreparation },
    { needName },
    { prepareHost },
    { print, note },
    { describeChanges },
    { agree },
    { ExitCode, MissingError },
  ] = await Promise.all([
    import('../../hosts/book/find.js'),
    import('../../hosts/prepare/survey.js'),
    import('../../hosts/prepare/plan.js'),
    import('../../hosts/prepare/needs.js'),
    import('../../hosts/prepare/prepare.js'),
    import('../ui/output.js'),
    import('../ui/hosts.js'),
    import('../ui/confirm.js'),
    import('../../base/errors.js'),
  ]);
  const host = await findHost(name);
  const folder = await host.stateFolder();
  const purposes: Purpose[] = options.for === 'build' ? ['run', 'build'] : ['run'];
  const { install = false, iface, mtu, vlan } = options;
  const isThere = (await host.stat(folder)) !== undefined;
  const survey = await surveyHost(host);
  const { changes, advice } = planPreparation(
    survey,
    { purposes, install, iface, mtu, vlan },
    isThere ? undefined : folder,
  );
  for (const told of advice) note(line`${told}`);
  if (!options.dryRun && changes.length > 0) {
    if (!options.json || !options.yes) note(`${line`on ${name}:`}\n${describeChanges(changes)}`);
    if (!options.yes) {
      await agree(`Make these changes on ${name}?`, {
        tried: `preparing ${name}`,
        next: 'say --yes, or --dry-run to see the commands alone',
      });
    }
    await prepareHost(host, changes, ({ title }) => note(line`${name}: ${title}`));
  }
  const installed = options.dryRun ? [] : changes.flatMap(({ installs }) => installs ?? []);
  const lacking =
    installed.length === 0
      ? []
      : lackedNeeds(await surveyHost(host), purposes).map((need) => needName(need, survey.kernel));
  const result = changes.map(({ title, commands }) => ({ title, commands }));
  print(
    { name, isDryRun: options.dryRun === true, changes: result, advice, missing: lacking },
    options,
    () => {
      if (changes.length === 0) return line`nothing is to be changed on ${name}`;
      return options.dryRun ? describeChanges(changes) : line`${name} is prepared: ${changes.length} changes`;
    },
  );
  if (lacking.length === 0) return;
  // What was found is on standard output already.
  if (options.json) process.exitCode ??= ExitCode.missing;
  else
    throw new MissingError({
      tried: `preparing ${name}`,
      happened: `the packages were installed, and do not hold all that is missing: ${lacking.join(', ')}`,
      next: [...new Set(installed.flatMap(({ next }) => next))],
      missing: lacking,
    });
}

async function remove(name: string, options: { purge?: boolean; json?: boolean }): Promise<void> {
  const [
    { removeFromBook, bookedHost },
    { findHost },
    { undoPreparation },
    { print },
    { describeUndone },
    errors,
  ] = await Promise.all([
    import('../../hosts/book/book.js'),
    import('../../hosts/book/find.js'),
    import('../../hosts/prepare/prepare.js'),
    import('../ui/output.js'),
    import('../ui/hosts.js'),
    import('../../base/errors.js'),
  ]);
  const tried = `removing the host ${name}`;
  if (!options.purge && (await bookedHost(name)) === undefined) {
    throw new errors.UsageError({ tried, happened: 'the book has no such host', next: 'aoe-lab host list' });
  }
  const undone = options.purge ? await purge() : [];
  const failed = undone.filter(({ failure }) => failure !== undefined);
  const wasBooked = failed.length === 0 && (await removeFromBook(name));
  print({ name, undone, wasBooked }, options, () =>
    [describeUndone(undone), wasBooked ? line`${name} is no longer in the book` : '']
      .filter(Boolean)
      .join('\n'),
  );
  if (failed.length > 0) {
    throw new errors.LabError({
      tried,
      happened: `not undone: ${failed.map(({ title }) => title).join(', ')}`,
      next: 'remove what kept it, then run this again',
    });
  }

  async function purge() {
    const host = await findHost(name);
    const exported = await host.list(`${await host.stateFolder()}/exports`);
    if (exported.length > 0) {
      throw new errors.LabError({
        tried,
        happened: `${exported.length} exports are still known there`,
        next: 'end them first: aoe-lab unexport',
      });
    }
    return undoPreparation(host);
  }
}
