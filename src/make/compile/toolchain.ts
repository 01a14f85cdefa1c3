/** Which compiler and C library a build would use. */
import { mkdirSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../base/digest.js';
import { cacheFolder } from '../../base/files/paths.js';
import type { Host } from '../../hosts/host/host.js';
import { compilerWords, findCommand, includeFolders } from './requirements.js';

export interface Toolchain {
  /** The compiler as `$CC` names it, or gcc. */
  compiler: string;
  kind: 'gcc' | 'clang';
  /** Dotted numbers, e.g. 12.2.0. */
  version: string;
  /** Machine it compiles for, e.g. x86_64-linux-gnu. */
  target: string;
  libc: 'glibc' | 'musl';
  /** Of glibc, e.g. 2.36; musl's headers do not say. */
  libcVersion?: string;
}

/**
 * The compiler of this machine; undefined if there is none. What it says of itself is kept in the cache for as long as
 * its program stays the same, so that mostly nothing is started.
 * @throws CommandError if the compiler can't be run
 */
export async function findToolchain(host?: Host): Promise<Toolchain | undefined> {
  const words = compilerWords();
  const identity = words.map(fileIdentity);
  if (identity[0] === undefined) return undefined;
  const key = digestOf(JSON.stringify(['toolchain 1', words, identity]));
  const said = readKept(key) ?? keep(key, await ask(words, host));
  return { compiler: words.join(' '), ...said, ...findLibc(said.target) };
}

type Said = Pick<Toolchain, 'kind' | 'version' | 'target'>;

async function ask(words: readonly string[], host: Host | undefined): Promise<Said> {
  const where = host ?? (await import('../../hosts/host/local.js')).here;
  const { stdout, stderr } = await where.run([...words, '-v']);
  return parseCompiler(`${stderr}\n${stdout}`);
}

/** Reads what `gcc -v` and `clang -v` print. */
export function parseCompiler(text: string): Said {
  const [, kind, version] = /\b(gcc|clang) version (\d+(?:\.\d+)*)/.exec(text) ?? [];
  return {
    kind: kind === 'clang' ? 'clang' : 'gcc',
    version: version ?? '0',
    target: /^Target: *(\S+)/m.exec(text)?.[1] ?? 'unknown',
  };
}

/** glibc names its version in features.h; musl has that header without a name. */
function findLibc(target: string): Pick<Toolchain, 'libc' | 'libcVersion'> {
  if (target.endsWith('musl')) return { libc: 'musl' };
  for (const folder of includeFolders()) {
    let text: string;
    try {
      text = readFileSync(join(folder, 'features.h'), 'utf8');
    } catch {
      continue;
    }
    const major = /^#\s*define\s+__GLIBC__\s+(\d+)/m.exec(text)?.[1];
    const minor = /^#\s*define\s+__GLIBC_MINOR__\s+(\d+)/m.exec(text)?.[1];
    return major === undefined ? { libc: 'musl' } : { libc: 'glibc', libcVersion: `${major}.${minor}` };
  }
  return { libc: 'glibc' };
}

/** Path, size and time of the program a word names; undefined for arguments. */
function fileIdentity(word: string): string | undefined {
  const path = findCommand(word);
  if (path === undefined) return undefined;
  const real = realpathSync(path);
  const { size, mtimeMs } = statSync(real);
  return `${real} ${size} ${mtimeMs}`;
}

function keptFile(key: string): string {
  return join(cacheFolder(), 'toolchains', `${key}.json`);
}

function readKept(key: string): Said | undefined {
  try {
    return JSON.parse(readFileSync(keptFile(key), 'utf8')) as Said;
  } catch {
    return undefined;
  }
}

function keep(key: string, said: Said): Said {
  try {
    mkdirSync(join(cacheFolder(), 'toolchains'), { recursive: true });
    const temporary = `${keptFile(key)}.${process.pid}.tmp`;
    writeFileSync(temporary, JSON.stringify(said));
    renameSync(temporary, keptFile(key));
  } catch {
    // A cache that can't be written costs time only.
  }
  return said;
}
