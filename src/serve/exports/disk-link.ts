/**
 * A disk that has only a number which moves (`/dev/sdb`) is opened by a link of ours. Each start of its target, whoever
 * starts it, first looks whether the number still means the disk that was exported, and takes the link away where it does
 * not: then nothing is served, rather than another disk. Daemons go on without it: as long as they run it is looked again,
 * and the link is there when the disk is.
 */
import { posix } from 'node:path';
import { LabError, linesOf } from '../../base/errors.js';
import { isOnlyName } from '../../base/identity.js';
import { quoteArgv } from '../../hosts/host/quote.js';
import type { DeviceIdentity } from '../storage/identity.js';
import { CACHED } from '../storage/silent.js';
import type { EntryStore, ExportEntry, StateFolder } from './entry.js';
import { exposedPath } from './exposed.js';
import { runsOwnCode } from './own-code.js';
import { plain } from './persist/names.js';
import { KNOW_PROCESSES } from './run-record.js';

/**
 * Functions of the shell. `check LINK NUMBER …` sets a link or takes it away: behind the number come, in pairs, files below
 * the device's folder in sysfs and what they must hold. It fails where the disk is not the right one; `why` tells the reason.
 * Without a link (`-`), of a name that stays with its disk, it fails only where that is known to be another one.
 */
const CHECK = `
is() {
  at=$1; shift
  while [ $# -gt 1 ]; do
    [ "$link" != - ] || [ -e "$at/$1" ] || { shift 2; continue; }
    [ "$(sed 's/^ *//; s/ *$//; q' "$at/$1" 2>/dev/null)" = "$2" ] || return 1
    shift 2
  done
}
check() {
  link=$1 node=$2; shift 2
  real=$(readlink -f -- "$node")
  # By its number: the node may be called as nobody else calls the device.
  [ "$link" != - ] || [ -b "$real" ] || return 0
  [ -b "$real" ] && number=$(stat -c '%t %T' -- "$real") && number=$((0x\${number% *})):$((0x\${number#* }))
  if [ -b "$real" ] && is "/sys/dev/block/$number" "$@"; then
    [ "$link" != - ] || return 0
    mkdir -p "\${link%/*}" && { [ "$(readlink "$link")" = "$real" ] || ln -sfn "$real" "$link"; }
    return
  fi
  [ "$link" = - ] || rm -f "$link"
  [ -b "$real" ] && why="it is another disk than the one that was exported" || why="it is not there"
  [ "$1" = size ] || [ "$link" = - ] || for one in /sys/class/block/*; do
    is "$one" "$@" && why="$why; that one is /dev/\${one##*/} now"
  done
  why="aoe-lab: $node is not served: $why"
  return 1
}`;

const ONE = `${CHECK}
check "$@" || { echo "$why" >&2; exit 1; }`;

/** `$1`: a list of disks (see `diskList`), which may be missing. */
const EACH = `${CHECK}
disk() { check "$@" || echo "$why" >&2; }
named() { :; }
behind() { :; }
exposed() { :; }
[ ! -e "$1" ] || . "$1"
:`;

/**
 * `$1`: a list of disks, `$2`: `start` or `later`, `$3`: a process. What came before it has told already why a disk is not
 * served. The process is ended where it opens something that is none of its exports': somebody exchanged a file at that moment.
 * That is asked once of each file that it opens, at whatever time: it may be renamed later on.
 */
const WATCH = `${KNOW_PROCESSES}${CHECK}${CACHED}
list=$1 from=$2 turns=0 pid=$3 accepted= doubted= nl='
'
[ "$from" = start ] || turns=25
named() { names="$names$(readlink -f -- "$1")
"; }
behind() { names="$names$1
"; }
exposed() { exposed=1 names="$names$1
"; }
disk() {
  check "$@" || now="$now$why
"
  named "$1"
}
known() {
  # One that is deleted has been there.
  case "$nl$names" in *"$nl$1$nl"*|*"$nl\${1% (deleted)}$nl"*) return 0;; esac
  case $1 in "\${list%/*}/"*|"$log") return 0;; esac
  # What is behind a loop device.
  case $1 in /dev/loop[0-9]*) known "$(cat "/sys/block/\${1#/dev/}/loop/backing_file" 2>/dev/null || echo -)";; *) return 1;; esac
}
judge() {
  opened=$(stat -L $cached -c '%f %d:%i %n' "/proc/$pid/fd/"* 2>/dev/null)
  before=$nl$accepted doubts=$nl$doubted accepted= doubted=
  IFS=$nl
  set -- $opened
  unset IFS
  for one do
    # Files and disks.
    case $one in 8*|6*) ;; *) continue;; esac
    fd=\${one##* } file=\${one#* }
    file=\${file% *}
    case $before in *"$nl$file$nl"*) accepted="$accepted$file$nl"; continue;; esac
    name=$(readlink "$fd") || continue
    if [ -z "$exposed" ] || [ "$from" = later ] || known "$name"; then accepted="$accepted$file$nl"; continue; fi
    doubted="$doubted$file$nl"
    # What it reads in passing, as its libraries, is not open for long.
    case $doubts in *"$nl$file$nl"*) ;; *) continue;; esac
    echo "aoe-lab: process $pid is ended: it opened $name, which is none of its exports', through a link that somebody else could have made" >&2
    kill "$pid"
  done
  from=
}
look() {
  find_start "$pid"
  [ -n "$begun" ] && [ "$begun" = "\${first=$begun}" ] && [ -s "$list" ] || exit 0
  now= names= exposed=
  . "$list"
  judge
  turns=$((turns + 1)) pause=2
  # It opens most of them at its start.
  if [ -n "$doubted" ] || { [ -n "$exposed" ] && [ "$turns" -le 25 ]; }; then pause=0.2; fi
}
log=$(readlink "/proc/$$/fd/2")
look
while said=$now; sleep "$pause" 2>/dev/null || sleep 1; do
  look
  [ "$now" = "$said" ] || printf %s "$now" >&2
done`;

export function diskLink(state: StateFolder, id: string): string {
  return posix.join(state.disksFolder(), plain(id));
}

/**
 * The command that sets the link of an entry, or takes it away and fails; of a name that stays with a disk, the one that fails
 * where another disk has it. Undefined where nothing is to be looked at.
 */
export function diskCommand(entry: ExportEntry): string[] | undefined {
  const words = diskWords(entry) ?? lookWords(entry);
  return words && ['sh', '-c', ONE, 'aoe-lab-disk', ...words];
}

/** Whether something is to be looked after as long as a daemon runs that serves an export. */
export function isWatched(entry: ExportEntry): boolean {
  return diskWords(entry) !== undefined || isOpenedByName(entry);
}

/** A list of what a daemon's exports are served from, for what looks after it; empty where nothing is to be. */
export function diskList(members: readonly ExportEntry[]): string {
  if (!members.some(isWatched)) return '';
  const lines = members.map((entry) => {
    const { loop, opens } = entry.backing;
    const words = diskWords(entry);
    if (words !== undefined) return ['disk', ...words];
    const path = isOpenedByName(entry) ? exposedPath(entry) : undefined;
    if (path !== undefined) return ['exposed', path];
    return loop ? ['behind', entry.backing.path] : ['named', opens];
  });
  return lines.map((words) => `${quoteArgv(words)}\n`).join('');
}

/** Daemons of others follow what links there are when they open a file. */
function isOpenedByName(entry: ExportEntry): boolean {
  return exposedPath(entry) !== undefined && !entry.backing.loop && !runsOwnCode(entry.control);
}

/** The command that sets the links of a list, or takes them away: one that is missing holds up no other. */
export function disksCommand(list: string): string[] {
  return ['sh', '-c', EACH, 'aoe-lab-disks', list];
}

/**
 * The command that does so again and again, as long as a process lives; its id is to be added. It ends by itself where the
 * list is empty.
 * @param from whether the process is just being started
 */
export function disksWatch(list: string, from: 'start' | 'later' = 'start'): string[] {
  return ['sh', '-c', WATCH, 'aoe-lab-disks', list, from];
}

function diskWords({ backing }: ExportEntry): string[] | undefined {
  const { pinned, identity, name, opens } = backing;
  if (!pinned || identity?.kind !== 'device') return undefined;
  return [opens, name, ...markers(identity)];
}

/** Of a name that stays: what tells its disk from others, where anything does. */
function lookWords({ backing }: ExportEntry): string[] | undefined {
  const { identity, opens, pinned } = backing;
  if (pinned || identity?.kind !== 'device') return undefined;
  const words = markers(identity);
  return words[0] === 'size' ? undefined : ['-', opens, ...words];
}

/** What sysfs must say of the disk. */
function markers({ facts, file, size }: DeviceIdentity): string[] {
  const pairs = Object.entries(facts).filter(([name]) => !isOnlyName(name, facts));
  if (file !== undefined)
    pairs.push([`${facts.start === undefined ? '' : '../'}loop/backing_file`, file.path]);
  // Its size is all that is known of a disk without a serial number.
  return pairs.every(([name]) => name === 'start')
    ? ['size', String(size / 512), ...pairs.flat()]
    : pairs.flat();
}

/** @throws LabError if the number is another disk now, or none: with where the old one went */
export async function linkDisk({ host }: EntryStore, entry: ExportEntry): Promise<void> {
  const argv = diskCommand(entry);
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
