/** What another host has to build with, asked over its shell. */
import { MissingError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { compareVersions } from '../patch/condition.js';
import type { Requirement } from '../recipe/schema.js';
import { type Missing, nameOf } from './requirements.js';
import { parseCompiler, type Toolchain } from './toolchain.js';

/** Kind and name of each requirement; prints the place of each that is not met. */
const LOOK = `n=0
while [ $# -gt 0 ]; do
  case $1 in
    command) command -v "$2" > /dev/null ;;
    header) printf '#include <%s>\\n' "$2" | gcc -E -x c - > /dev/null 2>&1 ;;
    file) [ -e "$2" ] ;;
  esac || echo "$n"
  n=$((n + 1))
  shift 2
done
:`;

/** Requirements that a host does not meet, each once. */
export async function missingOn(host: Host, requires: readonly Requirement[]): Promise<Missing[]> {
  const words = requires.map((requirement) => ({ ...nameOf(requirement), debian: requirement.debian }));
  const pairs = words.flatMap(({ kind, name }) => [kind, name]);
  const { stdout } = await host.run(['sh', '-c', LOOK, 'sh', ...pairs]);
  const places = stdout.split('\n').filter((line) => line !== '');
  const missing = places.map((place) => words[Number(place)] as Missing);
  return [...new Map(missing.map((one) => [`${one.kind} ${one.name}`, one])).values()];
}

const ASK = `gcc -v 2>&1 || exit 44
getconf GNU_LIBC_VERSION 2> /dev/null || echo musl`;

/**
 * The compiler of a host.
 * @throws MissingError if it has none
 */
export async function toolchainOn(host: Host): Promise<Toolchain> {
  const { stdout, exitCode } = await host.run(['sh', '-c', ASK], { accept: [44] });
  if (exitCode !== 0) {
    throw new MissingError({
      tried: `looking for a compiler on ${host.name}`,
      happened: 'there is no gcc',
      next: 'install gcc and make there: aoe-lab host prepare',
      missing: ['gcc'],
    });
  }
  return { compiler: 'gcc', ...parseCompiler(stdout), ...parseLibc(stdout) };
}

/** The C library that programs on a host run with. */
export async function libcOn(host: Host): Promise<Pick<Toolchain, 'libc' | 'libcVersion'>> {
  const { stdout } = await host.run(['sh', '-c', 'getconf GNU_LIBC_VERSION 2> /dev/null || echo musl']);
  return parseLibc(stdout);
}

function parseLibc(text: string): Pick<Toolchain, 'libc' | 'libcVersion'> {
  const version = /^glibc (\d+\.\d+)/m.exec(text)?.[1];
  return version === undefined ? { libc: 'musl' } : { libc: 'glibc', libcVersion: version };
}

/** Whether what this machine's compiler makes runs on a host: same processor, same C library and none that is older. */
export async function runsOn(host: Host, toolchain: Toolchain): Promise<boolean> {
  const [{ machine }, { libc, libcVersion = '0' }] = await Promise.all([host.facts(), libcOn(host)]);
  const isOld = compareVersions(libcVersion, toolchain.libcVersion ?? '0') < 0;
  return toolchain.target.startsWith(`${machine}-`) && toolchain.libc === libc && !isOld;
}
