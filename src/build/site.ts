/** Where a build's steps run: on this machine, in a root of a kernel's tools on it, or on another host. */
import { chmod, copyFile, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Host } from '../host/host.js';
import { inRoot, type Runner } from '../host/root.js';
import { type Isolation, isolated, isolationOn } from './isolation.js';

export interface Site extends Runner {
  /** The tree, as the steps see it. */
  readonly folder: string;
  /** Brings the patched tree to it. @returns what keeps its steps from the network */
  open(): Promise<Isolation>;
  /** Whether the tree has something at that path. */
  has(path: string): Promise<boolean>;
  /** Copies a file of the tree to this machine. @returns false if there is no such file */
  collect(path: string, to: string): Promise<boolean>;
  /** Removes what `open` brought. */
  close(): Promise<void>;
}

/** @param root see KernelTree */
export function siteHere(host: Host, folder: string, root: string | undefined): Site {
  let runner: Runner = root === undefined ? host : inRoot(host, root, folder);
  const facts = (path: string) => stat(join(folder, path)).catch(() => undefined);
  return {
    folder,
    run: (argv, options) => runner.run(argv, options),
    open: async () => {
      if (root !== undefined) return 'bwrap';
      const way = await isolationOn(host, folder);
      runner = isolated(host, way, folder);
      return way;
    },
    has: async (path) => (await facts(path)) !== undefined,
    collect: async (path, to) => {
      if (!(await facts(path))?.isFile()) return false;
      await copyFile(join(folder, path), to);
      return true;
    },
    close: async () => {},
  };
}

/**
 * @param tree the patched tree here
 * @param name of the build; of a command that was killed, the same name is used again
 */
export function siteOn(host: Host, tree: string, name: string): Site {
  const parent = posix.join('/var/tmp', `aoe-lab-build-${name}`);
  const folder = posix.join(parent, 'tree');
  let runner: Runner = host;
  return {
    folder,
    run: (argv, options) => runner.run(argv, options),
    open: async () => {
      await host.remove(parent);
      await host.run(['mkdir', '-p', parent]);
      await host.put(tree, folder);
      const way = await isolationOn(host, folder);
      runner = isolated(host, way, folder);
      return way;
    },
    has: async (path) => (await host.stat(posix.join(folder, path))) !== undefined,
    collect: async (path, to) => {
      if ((await host.stat(posix.join(folder, path)))?.kind !== 'file') return false;
      await host.get(posix.join(folder, path), to);
      const { exitCode } = await host.run(['test', '-x', posix.join(folder, path)], { accept: [1] });
      if (exitCode === 0) await chmod(to, 0o755);
      return true;
    },
    close: () => host.remove(parent),
  };
}
