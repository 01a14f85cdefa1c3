import type { Command } from 'commander';
import { ACCEPT_NEW, closingHosts } from '../hosts.js';

interface Options {
  acceptNew?: boolean;
  json?: boolean;
}

export function register(host: Command): void {
  host
    .command('check')
    .argument('<NAME>', 'of the book or of ssh’s configuration; `here` is this machine')
    .description('what a host is and has, and what it lacks')
    .option(...ACCEPT_NEW)
    .option('--json', 'print JSON')
    .action((name: string, options: Options) => closingHosts(() => check(name, options)));
}

async function check(name: string, options: Options): Promise<void> {
  const [{ findHost }, { surveyHost }, { print }, { describeSurvey }, { MissingError }] = await Promise.all([
    import('../../../hosts/book/find.js'),
    import('../../../hosts/prepare/survey.js'),
    import('../../ui/output.js'),
    import('../../ui/hosts.js'),
    import('../../../base/errors.js'),
  ]);
  const host = await findHost(name, { acceptNew: options.acceptNew });
  const survey = await surveyHost(host);
  print({ name, ...survey }, options, () => describeSurvey(name, survey));
  const lacking = survey.missing.filter(({ purpose }) => purpose === 'run').map((need) => need.name);
  // What was found is on standard output already.
  if (lacking.length === 0 || options.json) return;
  throw new MissingError({
    tried: `looking at ${name}`,
    happened: `missing there: ${lacking.join(', ')}`,
    next: `aoe-lab host prepare ${name} --for run --install`,
    missing: lacking,
  });
}
