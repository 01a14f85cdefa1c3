import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../../base/errors.js';
import { ownEnvironment } from '../../../base/files/own-folders.js';
import type { Fetched, LocationOptions } from './fetched.js';

/** Those over which nothing but data comes; `ext::` and the like run commands. */
const SCHEMES = /^(https?|git|ssh|file):\/\//;

/** Without these git may ask for a password, run hooks or filters of the user's, or change line ends. */
const CONFIG = [
  'core.autocrlf=false',
  'core.symlinks=true',
  'core.hooksPath=/dev/null',
  'credential.helper=',
  'protocol.ext.allow=never',
  'http.lowSpeedLimit=1',
  'http.lowSpeedTime=15',
];

/**
 * One commit of a git repository, without its history. Submodules are not fetched.
 * @param ref a branch, a tag or a full commit id; the repository's own branch if undefined
 */
export async function fetchByGit(
  url: string,
  ref: string | undefined,
  options: LocationOptions,
): Promise<Fetched> {
  const { work, location, limits, signal } = options;
  if (!SCHEMES.test(url) || ref?.startsWith('-')) {
    throw new UsageError({
      tried: `fetching ${location}`,
      happened: 'it is no git repository that can be fetched safely',
      next: 'name it by https://, git://, ssh:// or file://',
    });
  }
  const { simpleGit } = await import('simple-git');
  const folder = join(work, 'git');
  await mkdir(folder);
  // The block time is what passes without a word from git.
  const git = simpleGit({
    baseDir: folder,
    abort: signal,
    timeout: { block: limits.stall },
    config: CONFIG,
    allowEnvironment: ['GIT_TERMINAL_PROMPT'],
    unsafe: {
      allowUnsafeHooksPath: true,
      allowUnsafeCredentialHelper: true,
      allowUnsafeProtocolOverride: true,
    },
  }).env({ ...withoutGit({ ...process.env, ...ownEnvironment() }), GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' });
  try {
    await git.raw('init', '--quiet');
    await git.raw('fetch', '--depth=1', '--no-tags', '--progress', url, ref ?? 'HEAD');
    // Filters that the user has for his own trees (LFS and the like) run commands, and change what is pinned.
    await mkdir(join(folder, '.git', 'info'), { recursive: true });
    await writeFile(join(folder, '.git', 'info', 'attributes'), '* -filter\n');
    await git.raw('checkout', '--quiet', '--detach', 'FETCH_HEAD');
    const commit = (await git.raw('rev-parse', 'HEAD')).trim();
    return { folder, location: `${location} (commit ${commit})` };
  } catch (error) {
    throw new Error(wordsOf(error as Error), { cause: error });
  }
}

/** A session inside a git hook has GIT_DIR and the like set, which would lead git elsewhere. */
function withoutGit(environment: NodeJS.ProcessEnv): Record<string, string> {
  const kept = Object.entries(environment).filter(
    ([name, value]) => value !== undefined && !/^(GIT_|EDITOR$|PAGER$|SSH_ASKPASS$|VISUAL$)/.test(name),
  );
  return Object.fromEntries(kept) as Record<string, string>;
}

function wordsOf(error: Error): string {
  const { message } = error;
  if (/ENOENT/.test(message)) return 'git is not installed (apt-get install git)';
  if (/block timeout/.test(message)) return 'git heard nothing within the time limit';
  const lines = message.split('\n').filter((line) => /^(fatal|error):/.test(line));
  return lines.length > 0 ? `git says: ${lines.join('; ')}` : message.trim();
}
