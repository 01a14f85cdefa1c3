import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireOwn } from './own-folders.js';

function findPackageRoot(): string {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, 'package.json'))) {
    const parent = dirname(dir);
    if (parent === dir) throw new Error('aoe-lab: package.json not found above its own code');
    dir = parent;
  }
  return dir;
}

/** The folder that holds package.json, recipes, patches and templates. */
export const packageRoot = findPackageRoot();

/** The folder of the programs that the build makes of this package: `aoe-lab.cjs`, `native.cjs`, `sqaoed.cjs`. */
export const programsFolder = join(packageRoot, 'dist', 'bin');

/**
 * The store of sources, trees and builds on this machine: `$AOE_LAB_CACHE`, else `$XDG_CACHE_HOME/aoe-lab`,
 * else `~/.cache/aoe-lab`. All of it can be deleted at any time; it costs only the work of making it again.
 * @throws UsageError for root, if somebody else may change it
 */
export function cacheFolder(): string {
  const { AOE_LAB_CACHE, XDG_CACHE_HOME } = process.env;
  const folder = AOE_LAB_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'aoe-lab');
  return requireOwn(folder, 'the store', 'AOE_LAB_CACHE');
}
