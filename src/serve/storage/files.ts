/**
 * Backing files that we make, and remove again: only the very inode that was made, never a folder, never through a link.
 * The shell enters the folder first, so that a folder exchanged meanwhile on the way there changes nothing.
 */
import { posix } from 'node:path';
import { LabError } from '../../base/errors.js';
import { deviceNumber } from '../../base/identity.js';
import { type Host, temporaryName } from '../../hosts/host/host.js';
import type { FileId } from './snapshot.js';

/** The file is sized and told by the descriptor that made it: its name may be another's by then. */
export const CREATE = `file=/proc/self/fd/3
sized() {
  if command -v truncate > /dev/null; then truncate -s "$1" $file; else dd if=/dev/null of=$file bs=1 seek="$1" count=0 2>&1; fi
}
cd -P -- "$1" && [ "$(pwd -P)" = "$1" ] && umask 077 && set -C && exec 3> "./$2" && [ -f $file ] &&
  sized "$3" && LC_ALL=C stat -L -c 'made %d %i %W' $file`;

/** Neither a file nor a link that took the name meanwhile is replaced. Some file systems know no second name. */
export const PLACE = `cd -P -- "$1" && [ "$(pwd -P)" = "$1" ] || exit 1
[ ! -e "./$3" ] && [ ! -L "./$3" ] || exit 17
if ln -T "./$2" "./$3" 2>/dev/null; then exec rm -f "./$2"; fi
[ ! -e "./$3" ] && [ ! -L "./$3" ] || exit 17
exec mv "./$2" "./$3"`;

/** `$3`: device number (`-`: not compared), inode, birth. `$4`: `any`, or `unwritten` where data keep it. */
const REMOVE = `LC_ALL=C; export LC_ALL
cd -P -- "$1" 2>/dev/null && [ "$(pwd -P)" = "$1" ] || { echo gone; exit 0; }
is=$(stat -c '%f %d %i %W %b' "./$2" 2>/dev/null) || { echo gone; exit 0; }
want=$3; data=$4
set -- "$1" "./$2" $is
mode=$3 dev=$4 inode=$5 birth=$6 blocks=$7
set -- "$1" "$2" $want
case $mode in 8???) ;; *) echo other; exit 0;; esac
[ "$4" = "$inode" ] || { echo other; exit 0; }
[ "$3" = - ] || [ "$3" = "$dev" ] || { echo other; exit 0; }
case $5$birth in *[!0-9]*) ;; *) [ "$5" = 0 ] || [ "$birth" = 0 ] || [ "$5" = "$birth" ] || { echo other; exit 0; };; esac
[ "$data" = any ] || [ "$blocks" = 0 ] || { echo kept; exit 0; }
rm -f "$2" && echo removed`;

/** A file that was made, by what it is; the device number as stat(1) prints it. */
export interface MadeFile extends FileId {
  /** Of the host when it was made: device numbers hold within one boot. */
  bootId: string;
  /** Device number as stat(1) prints it. */
  rawDev: string;
}

/** The name that a file has until it is whole; nobody else's files are called so. */
export function makingName(path: string): string {
  return temporaryName(posix.basename(path));
}

/**
 * Makes a sparse file of mode 0600 under a name of its own.
 * @param path where it is to be, its folder without links
 * @param making of `makingName`, in that folder
 */
export async function createFile(host: Host, path: string, making: string, size: number): Promise<MadeFile> {
  const folder = posix.dirname(path);
  const { stdout } = await host.run(['sh', '-c', CREATE, 'sh', folder, making, String(size)]);
  const made = parseMade(stdout, (await host.facts()).bootId);
  if (made === undefined) throw new LabError({ tried: `making ${path}`, happened: `it printed ${stdout}` });
  return made;
}

/** What `CREATE` printed; undefined if that tells of no file. */
export function parseMade(text: string, bootId: string): MadeFile | undefined {
  const [, dev, inode, birth] = /^made (\d+) (\d+) (\S+)$/m.exec(text) ?? [];
  if (dev === undefined || inode === undefined) return undefined;
  return { dev: deviceNumber(BigInt(dev)), rawDev: dev, inode, birth: Number(birth) || null, bootId };
}

/**
 * Gives a file that was made its name.
 * @throws LabError if something has that name by now
 */
export async function placeFile(host: Host, path: string, making: string): Promise<void> {
  const argv = ['sh', '-c', PLACE, 'sh', posix.dirname(path), making, posix.basename(path)];
  const { exitCode } = await host.run(argv, { accept: [17] });
  if (exitCode === 0) return;
  throw new LabError({
    tried: `making ${path}`,
    happened: 'somebody made a file of that name meanwhile',
    next: 'run the command again',
  });
}

/**
 * removed: it is gone by this
 * kept: it holds data
 * other: something else has its name, which is left alone
 * gone: nothing is there
 */
export type Removal = 'removed' | 'kept' | 'other' | 'gone';

/** @param evenData also where it holds data */
export async function removeFile(
  host: Host,
  path: string,
  made: MadeFile,
  evenData: boolean,
): Promise<Removal> {
  const { bootId } = await host.facts();
  const { stdout } = await host.run(removeCommand(path, made, bootId, evenData));
  const said = stdout.trim();
  if (said === 'removed' || said === 'kept' || said === 'other' || said === 'gone') return said;
  throw new LabError({ tried: `removing ${path}`, happened: `it printed ${said}` });
}

/** Prints what became of it, see `Removal`. @param bootId of the host now */
export function removeCommand(path: string, made: MadeFile, bootId: string, evenData: boolean): string[] {
  const dev = bootId === made.bootId ? made.rawDev : '-';
  const id = `${dev} ${made.inode} ${made.birth ?? 0}`;
  const argv = ['sh', '-c', REMOVE, 'sh', posix.dirname(path), posix.basename(path), id];
  return [...argv, evenData ? 'any' : 'unwritten'];
}

/** Removes what `createFile` had made when it was killed. */
export async function removeUnplaced(host: Host, path: string, making: string): Promise<void> {
  await host.run(removeUnplacedCommand(path, making));
}

export function removeUnplacedCommand(path: string, making: string): string[] {
  const folder = posix.dirname(path);
  return ['sh', '-c', 'cd -P -- "$1" 2>/dev/null || exit 0; rm -f "./$2"', 'sh', folder, making];
}
