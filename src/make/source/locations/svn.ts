import { join } from 'node:path';
import { CommandError } from '../../../hosts/host/command-error.js';
import { here } from '../../../hosts/host/local.js';
import type { Fetched, LocationOptions } from './fetched.js';

/** Nothing is asked, nothing is remembered, and a silent server is given up. */
const OPTIONS = ['--non-interactive', '--no-auth-cache', '--config-option', 'servers:global:http-timeout=15'];

/**
 * A folder of a Subversion repository, as it is in a revision. Externals are not fetched.
 * @param revision the newest if undefined
 */
export async function fetchBySvn(
  url: string,
  revision: number | undefined,
  options: LocationOptions,
): Promise<Fetched> {
  const { work, location, limits, signal } = options;
  const folder = join(work, 'svn');
  // A peg revision: the path as it was then, though it may have moved since. Without one, an "@" in the URL would be taken for it.
  const target = `${url.replace(/\/+$/, '')}@${revision ?? 'HEAD'}`;
  const probe = { timeout: limits.connect + limits.answer, signal };
  try {
    const { stdout } = await here.run(
      ['svn', 'info', ...OPTIONS, '--show-item', 'revision', '--', target],
      probe,
    );
    const found = revision ?? Number(stdout.trim());
    await here.run(
      [
        'svn',
        'export',
        '--quiet',
        '--ignore-externals',
        ...OPTIONS,
        '-r',
        String(found),
        '--',
        target,
        folder,
      ],
      { timeout: limits.location, signal },
    );
    return { folder, location: `${location} (revision ${found})` };
  } catch (error) {
    throw new Error(wordsOf(error), { cause: error });
  }
}

function wordsOf(error: unknown): string {
  if (!(error instanceof CommandError)) return (error as Error).message;
  const { happened } = error.facts;
  if (happened === 'no such command') return 'svn is not installed (apt-get install subversion)';
  if (happened.startsWith('ran into its time limit')) return 'svn heard nothing within the time limit';
  const lines = error.stderr.split('\n').filter((line) => /^svn: E\d+: /.test(line));
  return lines.length > 0
    ? `svn says: ${lines.map((line) => line.slice('svn: '.length)).join('; ')}`
    : happened;
}
