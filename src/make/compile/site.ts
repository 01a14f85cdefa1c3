/** Where a build's steps run: on this machine, in a root of a kernel's tools on it, or on another host. */
import { randomBytes } from 'node:crypto';
import { chmod, copyFile, realpath, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { cacheFolder } from '../../base/files/paths.js';
import type { Host } from '../../hosts/host/host.js';
import { inRoot, type Runner } from '../../hosts/host/root.js';
import { type Isolation, isolated, isolationOn } from './isolation.js';
import type { KernelTree } from './kernel.js';

export interface Site extends Runner {
  /** The tree, as the steps see it. */
  readonly folder: string;
  /** Brings the patched tree to it. @returns what keeps its steps from the network */
  open(): Promise<Isolation>;
  /** Whether the tree has something at that path. */
  has(path: string): Promise<boolean>;
  /** Copies a file of the tree to this machine. @returns false if there is no such file; what a link leads to is none */
  collect(path: string, to: string): Promise<boolean>;
  /** Removes what `open` brought. */
  close(): Promise<void>;
}

/** What a build needs of a kernel. */
type Headers = Pick<KernelTree, 'headers' | 'root'> | undefined;

export function siteHere(host: Host, folder: string, kernel: Headers): Site {
  const root = kernel?.root;
  // The store has toolchains and the headers of Debian's kernels.
  const seen = { folder, headers: [cacheFolder(), ...(kernel === undefined ? [] : [kernel.headers])] };
  let runner: Runner = root === undefined ? host : inRoot(host, root, folder);
  const facts = (path: string) => stat(join(folder, path)).catch(() => undefined);
  const isOwn = async (path: string) =>
    (await realpath(join(folder, path))) === join(await realpath(folder), path);
  return {
    folder,
    run: (argv, options) => runner.run(argv, options),
    open: async () => {
      if (root !== undefined) return 'bwrap';
      const way = await isolationOn(host, seen);
      runner = isolated(host, way, seen);
      return way;
    },
    has: async (path) => (await facts(path)) !== undefined,
    collect: async (path, to) => {
      if (!(await facts(path))?.isFile() || !(await isOwn(path))) return false;
      await copyFile(join(folder, path), to);
      return true;
    },
    close: async () => {},
  };
}

/** Those that killed commands left of a build; in a folder like /var/tmp others can't take the name of one that is ours. */
const LEFT = `for f in "$1".*; do if [ -d "$f" ] && [ ! -L "$f" ] && [ -O "$f" ]; then printf '%s\\n' "$f"; fi; done`;

/**
 * @param tree the patched tree here
 * @param name of the build; what a command that was killed left of it is removed
 */
export function siteOn(host: Host, tree: string, name: string, kernel: Headers): Site {
  const prefix = posix.join('/var/tmp', `aoe-lab-build-${name}`);
  // Of a name that nobody foresees: what is run as root would be of whoever made it before.
  const parent = `${prefix}.${randomBytes(6).toString('hex')}`;
  const folder = posix.join(parent, 'tree');
  let runner: Runner = host;
  return {
    folder,
    run: (argv, options) => runner.run(argv, options),
    open: async () => {
      const { stdout } = await host.run(['sh', '-c', LEFT, 'sh', prefix]);
      await host.remove(...stdout.split('\n').filter((path) => path !== ''));
      await host.run(['mkdir', '-m', '700', parent]);
      await host.put(tree, folder);
      const seen = { folder, headers: kernel === undefined ? [] : [kernel.headers] };
      const way = await isolationOn(host, seen);
      runner = isolated(host, way, seen);
      return way;
    },
    has: async (path) => (await host.stat(posix.join(folder, path))) !== undefined,
    collect: async (path, to) => {
      if ((await host.stat(posix.join(folder, path)))?.kind !== 'file') return false;
      const { stdout } = await host.run(['readlink', '-f', posix.join(folder, path)]);
      if (stdout !== `${posix.join(folder, path)}\n`) return false;
      await host.get(posix.join(folder, path), to);
      const { exitCode } = await host.run(['test', '-x', posix.join(folder, path)], { accept: [1] });
      if (exitCode === 0) await chmod(to, 0o755);
      return true;
    },
    close: () => host.remove(parent),
  };
}
