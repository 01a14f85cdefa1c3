import { UsageError } from '../../base/errors.js';
import { quote, quoteArgv } from '../host/quote.js';

export interface RemoteCommand {
  argv: readonly string[];
  netns?: string | undefined;
  cwd?: string | undefined;
  env?: Readonly<Record<string, string>> | undefined;
}

/** A command as it stands on a host's own shell: in a network namespace of it, if one is named. */
export function inNetns(argv: readonly string[], netns: string | undefined): readonly string[] {
  return netns === undefined ? argv : ['ip', 'netns', 'exec', netns, ...argv];
}

/**
 * The one place where words become a line for a remote shell, which is taken for a POSIX one. The shell gives way to the
 * command (`exec`), so that how it ends is how the command ended.
 * @throws UsageError for a word with a NUL, which no command can be given
 */
export function remoteLine({ argv, netns, cwd, env = {} }: RemoteCommand): string {
  const words = [...argv, ...Object.values(env), cwd ?? ''];
  if (words.some((word) => word.includes('\0')) || argv.length === 0) {
    throw new UsageError({
      tried: `running \`${quoteArgv(argv)}\``,
      happened: 'its words can not be those of a command: none, or one with a NUL',
    });
  }
  const settings = Object.entries({ LC_ALL: 'C', ...env }).map(([name, value]) => `${name}=${value}`);
  const line = `exec env ${quoteArgv([...settings, ...inNetns(argv, netns)])}`;
  return cwd === undefined ? line : `cd ${quote(cwd.startsWith('-') ? `./${cwd}` : cwd)} && ${line}`;
}
