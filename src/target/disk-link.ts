/**
 * A disk that has only a number which moves (`/dev/sdb`) is opened by a link of ours. Each start of its target, whoever
 * starts it, first looks whether the number still means the disk that was exported, and takes the link away where it does
 * not: then nothing is served, rather than another disk.
 */
import { posix } from 'node:path';
import { LabError, linesOf } from '../errors.js';
import type { DeviceIdentity } from '../storage/identity.js';
import type { EntryStore, ExportEntry, StateFolder } from './entry.js';
import { plain } from './persist/names.js';

/**
 * `$1`: `all` where its failure must hold up what is started; `$2`: the link; `$3`: the number; then, in pairs, files below
 * the device's folder in sysfs and what they must hold.
 */
const SCRIPT = `
keep=$1 link=$2 node=$3; shift 3
is() {
  at=$1; shift
  while [ $# -gt 1 ]; do
    [ "$(sed 's/^ *//; s/ *$//; q' "$at/$1" 2>/dev/null)" = "$2" ] || return 1
    shift 2
  done
}
real=$(readlink -f -- "$node")
# By its number: the node may be called as nobody else calls the device.
[ -b "$real" ] && number=$(stat -c '%t %T' -- "$real") && number=$((0x\${number% *})):$((0x\${number#* }))
if [ -b "$real" ] && is "/sys/dev/block/$number" "$@"; then
  mkdir -p "\${link%/*}" && { [ "$(readlink "$link")" = "$real" ] || ln -sfn "$real" "$link"; }
  exit
fi
rm -f "$link"
[ -b "$real" ] && why="it is another disk than the one that was exported" || why="it is not there"
[ "$1" = size ] || for one in /sys/class/block/*; do
  is "$one" "$@" && why="$why; that one is /dev/\${one##*/} now"
done
echo "aoe-lab: $node is not served: $why" >&2
[ "$keep" = each ]
`;

export function diskLink(state: StateFolder, id: string): string {
  return posix.join(state.disksFolder(), plain(id));
}

/**
 * The command that sets the link of an entry, or takes it away; undefined where it has none.
 * @param keep `all`: where it is the wrong disk it fails; `each`: it does not, as others are started with it
 */
export function diskCommand({ backing }: ExportEntry, keep: 'all' | 'each'): string[] | undefined {
  const { pinned, identity, name, opens } = backing;
  if (!pinned || identity?.kind !== 'device') return undefined;
  return ['sh', '-c', SCRIPT, 'aoe-lab-disk', keep, opens, name, ...markers(identity)];
}

/** What sysfs must say of the disk. */
function markers({ facts, file, size }: DeviceIdentity): string[] {
  const pairs = Object.entries(facts);
  if (file !== undefined)
    pairs.push([`${facts.start === undefined ? '' : '../'}loop/backing_file`, file.path]);
  // Its size is all that is known of a disk without a serial number.
  return pairs.every(([name]) => name === 'start')
    ? ['size', String(size / 512), ...pairs.flat()]
    : pairs.flat();
}

/** @throws LabError if the number is another disk now, or none: with where the old one went */
export async function linkDisk({ host }: EntryStore, entry: ExportEntry): Promise<void> {
  const argv = diskCommand(entry, 'all');
  if (argv === undefined) return;
  const { exitCode, stderr } = await host.run(argv, { accept: [1] });
  if (exitCode === 0) return;
  const { name } = entry.backing;
  throw new LabError({
    tried: `looking for the disk of e${entry.shelf}.${entry.slot}`,
    happened: linesOf(stderr.trim().replace(/^aoe-lab: /, '') || `${name} could not be looked at`),
    next: 'unexport it, and export the disk by a name that stays with it (ls -l /dev/disk/by-id)',
  });
}
