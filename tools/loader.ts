/**
 * Starts the bundle beside it, `NAME.code.cjs`, by what V8 compiled of it when the package was built (`NAME.cache`): a command
 * spends less time on being loaded than on its work. V8 takes the cache only for the very code, its own version and flags;
 * else it compiles as ever.
 */
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { Script } from 'node:vm';
import { isVersionAsked, versionOf } from '../src/face/cli/version.js';

/** Set by the build: whether this is the command line tool. */
declare const IS_TOOL: boolean;
/** The bundler makes CommonJS of this module, as V8's scripts are. */
declare const __filename: string;

const folder = dirname(__filename);
const name = basename(__filename, '.cjs');
const path = join(folder, `${name}.code.cjs`);
const cache = join(folder, `${name}.cache`);

function cached(): Buffer | undefined {
  try {
    return readFileSync(cache);
  } catch {
    return undefined;
  }
}

/** Whether the question was answered without anything of the bundle. */
function answered(): boolean {
  if (!IS_TOOL || !isVersionAsked(process.argv.slice(2))) return false;
  try {
    writeSync(1, `${versionOf(join(folder, '..', '..'))}\n`);
    return true;
  } catch {
    // The bundle tells what is wrong with standard output.
    return false;
  }
}

function start(): void {
  // One function, in ASCII alone: the bundler sees to both.
  const script = new Script(readFileSync(path, 'latin1'), { filename: path, cachedData: cached() });
  // Set by the build: the run at hand shows which code there is to compile.
  if (process.env.AOE_LAB_COMPILED) {
    const file = process.env.AOE_LAB_COMPILED;
    process.on('exit', () => writeFileSync(file, script.createCachedData()));
  }
  const made = { exports: {} };
  script.runInThisContext()(made.exports, createRequire(path), made, path, folder);
}

if (!answered()) start();
