/**
 * Build steps are commands of strangers: they get no network and, by bubblewrap, write to the tree and to temporary folders
 * of their own. What a machine can't do is told.
 */
import { CommandError } from '../../hosts/host/command-error.js';
import { CONFINED, KERNEL_FOLDERS } from '../../hosts/host/confined.js';
import type { Host } from '../../hosts/host/host.js';
import type { Runner } from '../../hosts/host/root.js';

/** bwrap: no network, no rights, and nothing else to write to · unshare: no network for those that do not look for one · none: as any command */
export type Isolation = 'bwrap' | 'unshare' | 'none';

/** Folders where sockets of other programs lie, which take orders from whoever has root's number, and where others find what is left. */
const HIDDEN = ['/tmp', '/var/tmp', '/run'];
/** Programs of NixOS and Guix. */
const PROGRAMS = '/run/current-system';

/** Of commands in it, without the command itself. */
const WORDS: Readonly<Record<Exclude<Isolation, 'none'>, (see: Seen) => string[]>> = {
  bwrap: ({ folder, headers = [] }) => [
    ...[...CONFINED, '--ro-bind', '/', '/', ...KERNEL_FOLDERS],
    ...HIDDEN.flatMap((path) => ['--tmpfs', path]),
    ...[PROGRAMS, ...headers].flatMap((path) => ['--ro-bind-try', path, path]),
    ...['--bind', folder, folder],
  ],
  // Of util-linux and busybox, for root.
  unshare: () => ['unshare', '-n'],
};

/** What commands see of folders that are hidden from them. */
export interface Seen {
  /** That they write to; it is there. */
  folder: string;
  /** That they read, such as a kernel's headers. */
  headers?: readonly string[];
}

const CANNOT = 9;
const TRY = `"$@" > /dev/null 2>&1 || exit ${CANNOT}`;

/** What isolates commands on a host; each way is tried, since kernels and containers forbid them. */
export async function isolationOn(host: Runner, seen: Seen): Promise<Isolation> {
  for (const way of ['bwrap', 'unshare'] as const) {
    const { exitCode } = await host.run(['sh', '-c', TRY, 'sh', ...WORDS[way](seen), 'true'], {
      accept: [CANNOT],
    });
    if (exitCode === 0) return way;
  }
  return 'none';
}

export function isolated(host: Pick<Host, 'name' | 'run'>, way: Isolation, seen: Seen): Runner {
  if (way === 'none') return host;
  const words = WORDS[way](seen);
  return {
    run: async (argv, { cwd, ...options } = {}) => {
      try {
        return way === 'bwrap'
          ? await host.run([...words, ...(cwd === undefined ? [] : ['--chdir', cwd]), '--', ...argv], options)
          : await host.run([...words, ...argv], { ...options, ...(cwd === undefined ? {} : { cwd }) });
      } catch (error) {
        if (!(error instanceof CommandError) || !NOT_THERE.test(error.stderr)) throw error;
        throw new CommandError(host.name, argv, { code: 'ENOENT', stdout: '', stderr: '' }, options.log);
      }
    },
  };
}

/** As bubblewrap, util-linux and busybox say that there is no such command. */
const NOT_THERE =
  /^(?:bwrap: execvp|unshare: (?:failed to execute|can't execute)) .*: No such file or directory$/m;

/** What is to be said of a build; undefined: its steps had no network. */
export function isolationRemark({
  isolation,
  cached,
}: {
  isolation?: Isolation;
  cached: boolean;
}): string | undefined {
  if (cached) return undefined;
  switch (isolation) {
    case 'none':
      return 'its steps could reach the network, and do all that root may: there is neither a bwrap that works nor, for root, unshare -n';
    case 'unshare':
      return 'its steps had no network, but nothing else kept them from what root may do: there is no bwrap that works';
    default:
      return undefined;
  }
}
