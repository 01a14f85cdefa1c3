import type { Command } from 'commander';
import { line } from '../../ui/colors.js';
import { closingHosts } from '../hosts.js';

interface Options {
  purge?: boolean;
  json?: boolean;
}

export function register(host: Command): void {
  host
    .command('remove')
    .argument('<NAME>', 'as of check')
    .description('take a host out of the book')
    .option('--purge', 'undo what prepare changed there')
    .option('--json', 'print JSON')
    .action((name: string, options: Options) => closingHosts(() => remove(name, options)));
}

async function remove(name: string, options: Options): Promise<void> {
  const [{ removeFromBook, bookedHost }, { findHost }, { purgeHost }, { print }, { describeUndone }, errors] =
    await Promise.all([
      import('../../../hosts/book/book.js'),
      import('../../../hosts/book/find.js'),
      import('../../../hosts/prepare/purge.js'),
      import('../../ui/output.js'),
      import('../../ui/hosts.js'),
      import('../../../base/errors.js'),
    ]);
  const tried = `removing the host ${name}`;
  if (!options.purge && (await bookedHost(name)) === undefined) {
    throw new errors.UsageError({ tried, happened: 'the book has no such host', next: 'aoe-lab host list' });
  }
  const undone = options.purge ? await purgeHost(await findHost(name)) : [];
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
}
