/** Commands that work on several hosts: `--host a,b`. */
import { type Command, InvalidArgumentError } from 'commander';
import { UsageError } from '../../base/errors.js';
import type { findHost } from '../../hosts/book/find.js';
import type { Host } from '../../hosts/host/host.js';
import { line } from '../ui/colors.js';
import { MOST_PARALLEL, whole } from './options.js';

export interface HostOptions {
  host?: string[];
  parallel: number;
  acceptNew?: boolean;
  json?: boolean;
  /** It draws on the terminal itself: bars of what is copied would stand in its way. */
  showsSteps?: boolean;
}

export const ACCEPT_NEW = ['--accept-new', 'take and keep the key of a host that is not known yet'] as const;

/** For a command that works on one host at a time. */
export function hostOption(command: Command): Command {
  return command
    .option(
      '--host <NAME>',
      'host to do it on (of `host list` or ~/.ssh/config, [user@]address[:port])',
      names,
    )
    .option(...ACCEPT_NEW);
}

/**
 * For a command that works on several.
 * @param isFar this machine is none of them @param isInTurn it does so one after the other
 */
export function hostOptions(command: Command, { isFar = false, isInTurn = false } = {}): Command {
  const turn = isInTurn ? ', one after the other' : '';
  command.option(
    '--host <NAMES>',
    `hosts to do it on${turn}, joined by commas: of \`host list\` or ~/.ssh/config, [user@]address[:port]${isFar ? '' : ', here'}`,
    names,
  );
  if (!isInTurn) command.option('--parallel <N>', 'hosts at once', whole(1, MOST_PARALLEL), 8);
  return command.option(...ACCEPT_NEW);
}

/** Does something on the one host that is named, or on this machine. */
export async function onOneHost<T>(
  options: Pick<HostOptions, 'host' | 'acceptNew'>,
  step: (host: Host) => Promise<T>,
): Promise<T> {
  const [, ...others] = options.host ?? [];
  if (others.length > 0) {
    throw new UsageError({
      tried: `working on ${options.host?.join(' and ')}`,
      happened: 'this works on one host at a time',
      next: 'name one by --host',
    });
  }
  return withHosts(options, async (find) => step(await find(options.host?.[0] ?? 'here')));
}

/**
 * Does something on every host named (on this machine, if none is), in parallel, and prints how it went. One host's result
 * is printed as it is; of several, an array with the host's name in each (`error` where it failed), and the command fails
 * if one of them did. None waits for the fault of another.
 * @param human what a result is for people
 * @param asJson what of it is printed as JSON. Default: all of it
 * @throws the error of a host that was named alone
 */
export async function onHosts<T extends object>(
  options: HostOptions,
  step: (host: Host) => Promise<T>,
  human: (result: T) => string,
  asJson: (result: T) => object = (result) => result,
): Promise<void> {
  const { print } = await import('../ui/output.js');
  const [name = 'here', ...others] = options.host ?? [];
  await withHosts(options, async (find) => {
    if (others.length > 0) return onSeveral([name, ...others], find, options, step, human, asJson);
    const result = await step(await find(name));
    print(asJson(result), options, () => human(result));
  });
}

async function onSeveral<T extends object>(
  names: readonly string[],
  find: (name: string) => Promise<Host>,
  options: HostOptions,
  step: (host: Host) => Promise<T>,
  human: (result: T) => string,
  asJson: (result: T) => object,
): Promise<void> {
  const [{ default: pLimit }, { print, note }, { describeError, errorAsJson, exitCodeOf }] =
    await Promise.all([import('p-limit'), import('../ui/output.js'), import('../ui/errors.js')]);
  const limit = pLimit(options.parallel);
  const outcomes = await Promise.allSettled(names.map((name) => limit(async () => step(await find(name)))));
  const rows = outcomes.map((one, index) => ({
    host: names[index],
    ...(one.status === 'fulfilled' ? asJson(one.value) : errorAsJson(one.reason)),
  }));
  print(rows, options, () =>
    outcomes
      .map((one, index) => {
        const said = one.status === 'fulfilled' ? human(one.value) : describeError(one.reason, false);
        return `${line`${names[index]}:`}\n${said.replaceAll(/^(?=.)/gm, '  ')}`;
      })
      .join('\n'),
  );
  const failures = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  if (failures.length === 0) return;
  note(`${names.length - failures.length} of ${names.length} hosts done`);
  process.exitCode = exitCodeOf(failures[0]);
}

/** Nothing of SSH is loaded for this machine alone. */
async function withHosts<T>(
  { host = ['here'], acceptNew, showsSteps }: Pick<HostOptions, 'host' | 'acceptNew' | 'showsSteps'>,
  job: (find: (name: string) => Promise<Host>) => Promise<T>,
): Promise<T> {
  if (host.every((name) => name === 'here')) {
    const { here } = await import('../../hosts/host/local.js');
    return job(async () => here);
  }
  const shown = showsSteps ? { onTransfer: undefined } : {};
  return closingHosts((find) => job((name) => find(name, { acceptNew, ...shown })));
}

/** Connections that are made meanwhile end with the job; what is copied over them is shown. */
export async function closingHosts<T>(job: (find: typeof findHost) => Promise<T>): Promise<T> {
  const [{ closeHosts, findHost }, { showTransfer }] = await Promise.all([
    import('../../hosts/book/find.js'),
    import('../ui/transfers.js'),
  ]);
  try {
    return await job((name, options) => findHost(name, { onTransfer: showTransfer, ...options }));
  } finally {
    await closeHosts();
  }
}

/** How messages call a host; undefined: this machine, which needs no name. */
export function nameOf(host: Host): string | undefined {
  return host.isHere ? undefined : host.name;
}

function names(value: string, before: string[] = []): string[] {
  const found = value.split(',').map((name) => name.trim());
  if (found.includes('')) throw new InvalidArgumentError('expected names joined by commas.');
  return [...new Set([...before, ...found])];
}
