/** Asks a host about files, disks and those who use them: one shell script, which busybox runs as well. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { LabError } from '../../base/errors.js';
import { ACL_OF, askAcl } from '../../base/files/acl.js';
import { isGroupWritable, type Step } from '../../base/files/trust.js';
import type { Host } from '../../hosts/host/host.js';
import { loopFunctions } from './loop.js';
import { blockExtent, rootOf } from './regions.js';
import { ANSWERS, CACHED } from './silent.js';
import { blockOf, type NameFacts, type StorageSnapshot } from './snapshot.js';
import { parseSurvey } from './survey-text.js';

/** How much is asked: of the names and disks alone, or also what they hold and who uses them (all processes are looked at). */
export type Depth = 'names' | 'users';

/**
 * `$1` is the depth, the rest are names. Sections begin with `@`. What can't be asked says so, rather than nothing:
 * "stat: … No such file or directory" alone stands for "nothing is there". Names are written in lines: one that holds a
 * line break is told as "broken", since what follows could be taken for an answer.
 */
const SCRIPT = `
LC_ALL=C; export LC_ALL
depth=$1; shift
facts='%f %d %i %W %s %b %u %t %T'
nl='
'
${ANSWERS}${CACHED}
# A line that the shell reads itself: a process is the dearest thing here.
line() { line=; IFS= read -r line < "$1" || [ -n "$line" ] && printf '%s\\n' "$line"; }
# Without a process: sets $at, line breaks at its end and all.
into() { cd -P -- "$1" 2>/dev/null && at=$PWD; }
hops() {
  p=$1; turns=0
  while [ $turns -lt 40 ]; do
    case $p in */*) into "\${p%/*}/" || return 0; b=\${p##*/};; esac
    p=\${at%/}/$b
    # What a line can't hold is no hop: others could write sections of this answer with it.
    case $p in *"$nl"*) echo broken; return 0;; esac
    printf 'hop %s\\n' "$p"
    [ -L "$p" ] || return 0
    # An x at the end keeps the line breaks that $( ) would drop.
    t=$(readlink -- "$p" && echo x) || return 0
    t=\${t%"\${nl}x"}
    case $t in /*) p=$t;; *) p=\${at%/}/$t;; esac
    turns=$((turns + 1))
  done
}
# Each name on the way as itself, links before what they lead to. One with a line end could pass for another line.
way() {
  rest=$1 at= turns=0
  step /
  while [ -n "$rest" ]; do
    part=\${rest%%/*}
    case $rest in */*) rest=\${rest#*/};; *) rest=;; esac
    case $part in ''|.) continue;; ..) at=\${at%/*}; continue;; *"$nl"*) break;; esac
    step "$at/$part"
    if [ -L "$at/$part" ]; then
      turns=$((turns + 1))
      [ $turns -le 40 ] && to=$(readlink -- "$at/$part") || break
      case $to in /*) at=;; esac
      rest=$to/$rest
    else at=$at/$part
    fi
  done
}
# Asked about once, below, for all names.
step() {
  printf 'step %s\\n' "$1"
  case $steps in *"$nl$1$nl"*) ;; *) steps=$steps$1$nl;; esac
}
# All at once; each by itself only where one of them does not answer, and what the answer has no line for.
all= nodes=
[ $# -eq 0 ] || { answers stat -L -- "$@" && all=1 && nodes=$(stat -L -c "$facts %n" -- "$@" 2>/dev/null); }
i=0 devices= steps=$nl places=$nl
for name do
  echo "@name $i"; i=$((i + 1))
  node=\${nodes%%"$nl"*}
  # A line begins with nine facts; it is of this very name, or of one that follows.
  if [ "\${node#* * * * * * * * * }" = "$name" ]; then node=\${node%" $name"} nodes=\${nodes#*"$nl"}; else node=; fi
  [ -n "$all" ] || answers stat -L -- "$name" || { echo "node $silent"; continue; }
  if [ "$depth" = users ] && { [ -f "$name" ] || [ -b "$name" ]; }; then
    answers dd if="$name" bs=1024 count=1 || { echo "node $silent"; continue; }
  fi
  [ -n "$node" ] || node=$(stat -L -c "$facts" -- "$name" 2>&1)
  printf 'node %s\\n' "$node"
  device=\${node#* }
  devices="$devices \${device%% *}"
  hops "$name"
  way "$name"
  [ -r "$name" ] && echo readable
  [ -w "$name" ] && echo writable
  folder=\${name%/*}/
  if into "$folder"; then
    case $at in *"$nl"*) echo broken; continue;; esac
    printf 'folder %s\\n' "$at"
    [ -w "$folder" ] && echo folder-writable
    on=$folder; [ -e "$name" ] && on=$name
    case $on in *"$nl"*) ;; *) printf 'on %s\\n' "$on"; places=$places$on$nl;; esac
  fi
  if [ "$depth" = users ] && { [ -f "$name" ] || [ -b "$name" ]; }; then
    echo "head $(dd if="$name" bs=1024 count=1 2>/dev/null | od -An -v -tx1 | tr -d ' \\n')"
    [ -f "$name" ] && echo "tail $(tail -c 512 -- "$name" 2>/dev/null | od -An -v -tx1 | tr -d ' \\n')"
  fi
done
cd /
# One name a word.
set -f; IFS=$nl
echo @ways
[ "$steps" = "$nl" ] || {
  stat -c '%f %u %g %n' -- $steps 2>/dev/null
  find $steps -maxdepth 0 ! -type l -perm -020 2>/dev/null | while IFS= read -r at; do
    acl=$(acl_of "$at")
    [ -z "$acl" ] || printf 'acl %s %s\\n' "$acl" "$at"
  done
}
echo @rooms
[ "$places" = "$nl" ] || stat -f -L -c '%a %S %i %T %n' -- $places 2>/dev/null ||
  stat -f -c '%a %S %i %T %n' -- $places 2>/dev/null
set +f; unset IFS
echo @user
while read -r key _ id _; do case $key in [UG]id:) echo "$id";; esac; done < /proc/self/status
cat /proc/self/uid_map 2>/dev/null
echo @boot
line /proc/sys/kernel/random/boot_id
echo @machine
line /etc/machine-id 2>/dev/null
line /var/lib/dbus/machine-id 2>/dev/null
line /proc/sys/kernel/hostname 2>/dev/null || uname -n
echo @blocks
cd /sys/class/block 2>/dev/null && {
  ls -l
  grep -s '' */dev */size */ro */start */queue/logical_block_size */dm/uuid */dm/name */md/uuid */loop/backing_file \\
    */loop/offset */loop/sizelimit */wwid */device/wwid */serial */device/serial */device/model */uuid
  ls -d */slaves/* 2>/dev/null
}
cd /
echo @loops
loops
echo @links
# In /dev/shm and the like anybody may make some.
find /dev \\( -path /dev/shm -o -path /dev/mqueue \\) -prune -o -type l ! -path "*$nl*" -exec ls -ld {} + 2>/dev/null | grep '^l'
[ "$depth" = users ] || exit 0
mounts=$(ls -l /proc/[0-9]*/ns/mnt 2>/dev/null | awk '{ n = $NF; split($(NF - 2), p, "/"); if (!(n in seen)) { seen[n] = 1; print p[3] } }' |
  while read -r pid; do cat "/proc/$pid/mountinfo" 2>/dev/null; done | sort -u)
echo @mounts
printf '%s\\n' "$mounts" | awk '$3 !~ /^0:/ || / - [^ ]+ \\// '
# Without the option of stat(1): mounts of servers and programs, but those of the names. One that is away would never answer it.
away=
[ -n "$cached" ] || away=$(printf '%s\\n' "$mounts" | awk -v devices="$devices" '
  BEGIN { split(devices, d, " "); for (i in d) own[d[i]] = 1 }
  match($0, / - [^ ]+ /) { type = substr($0, RSTART + 3, RLENGTH - 4) }
  type ~ /^(nfs4?|cifs|smb3|smbfs|fuse|fuse\\..*|9p|ceph|afs|coda|ocfs2|gfs2|lustre|orangefs)$/ {
    split($3, n, ":"); number = n[1] * 256 + n[2] % 256 + int(n[2] / 256) * 1048576
    if (!(number in own)) printf "%s%s", (any++ ? "|" : ""), $1
  }')
# What the lines name, descriptors of processes, without those there.
reachable() {
  [ -n "$away" ] || { cat; return; }
  { find /proc/[0-9]*/fdinfo -type f -exec grep -lsE "^mnt_id:.($away)$" {} + 2>/dev/null; echo @; cat; } |
    awk '!on { if ($0 == "@") on = 1; else { sub(/fdinfo/, "fd"); away[$0] = 1 } next } !($1 in away)'
}
echo @swaps
tail -n +2 /proc/swaps | while read -r swap rest; do
  echo "swap $swap"
  echo "node $(stat -L -c "$facts" -- "$(printf '%b' "$swap")" 2>&1)"
done
echo @locks
cat /proc/locks
echo @lockers
! IFS= read -r line < /proc/locks || find /proc/[0-9]*/fdinfo -type f -exec grep -s '^lock:' /dev/null {} + 2>/dev/null |
  sed 's,/fdinfo/,/fd/,; s,:, ,' | reachable | while read -r fd line; do
    is=$(stat -L $cached -c "$facts" "$fd" 2>/dev/null) && echo "$is $fd $line"
  done
echo @writers
if [ -z "$away" ]; then find /proc/[0-9]*/fd -type l -perm -200 -exec stat -L $cached -c "$facts %n" {} + 2>/dev/null
else find /proc/[0-9]*/fd -type l -perm -200 2>/dev/null | reachable | xargs stat -L $cached -c "$facts %n" 2>/dev/null
fi | awk '$1 ~ /^[86]/'
echo @end
`;

/** Of a depth and names; prints what `parseSurvey` reads. */
export function surveyScript(): string {
  return `${loopFunctions()}${ACL_OF}\n${SCRIPT}`;
}

/**
 * @param names absolute
 * @throws LabError if the host can't be asked; of a name that can't be looked at, its facts tell why
 */
export async function surveyStorage(
  host: Host,
  names: readonly string[],
  depth: Depth = 'users',
): Promise<StorageSnapshot> {
  const distinct = [...new Set(names)];
  const { stdout } = await host.run(['sh', '-c', surveyScript(), 'sh', depth, ...distinct], {
    accept: [1, 123],
  });
  if (depth === 'names') return withLists(host, parseSurvey(stdout, distinct));
  const snapshot = await withLists(host, wholeSurvey(host.name, stdout, distinct));
  const [held, behind] = await Promise.all([heldAmong(host, snapshot), filesBehind(host, snapshot)]);
  return { ...snapshot, held, behind };
}

/** With the access lists that no program here tells (see `ACL_OF`). */
async function withLists(host: Host, snapshot: StorageSnapshot): Promise<StorageSnapshot> {
  if (!host.isHere) return snapshot;
  const asked = async (step: Step): Promise<Step> =>
    step.acl !== undefined || !isGroupWritable(step) ? step : { ...step, acl: await askAcl(step.path) };
  const named = [...snapshot.names].map(
    async ([name, facts]): Promise<[string, NameFacts]> => [
      name,
      { ...facts, way: await Promise.all(facts.way.map(asked)) },
    ],
  );
  return { ...snapshot, names: new Map(await Promise.all(named)) };
}

/** Files that are written to through loop devices that names lead to; one that is away, or hidden from here, tells nothing. */
async function filesBehind(host: Host, snapshot: StorageSnapshot): Promise<NameFacts[]> {
  const roots = new Set(
    [...snapshot.names.values()].flatMap((facts) => {
      const block = blockOf(snapshot, facts.node);
      if (block === undefined) return [];
      const { own, below } = blockExtent(snapshot, block);
      return [...own, ...below].map(({ root }) => root);
    }),
  );
  const files = [...snapshot.blocks.values()].flatMap(({ loop }) =>
    loop?.id !== undefined && roots.has(rootOf(loop.id)) ? [loop.file] : [],
  );
  if (files.length === 0) return [];
  return [...(await surveyStorage(host, files, 'names')).names.values()];
}

/** What the script printed at depth `users`. @throws LabError if that is not all */
export function wholeSurvey(host: string, text: string, names: readonly string[]): StorageSnapshot {
  if (text.includes('\n@end')) return parseSurvey(text, names);
  throw new LabError({
    tried: `asking ${host} who uses its files and disks`,
    happened: 'its answer ends before the end',
    next: 'run the command again',
  });
}

/** Exit code where nothing there can ask. */
export const UNASKED = 77;

/** O_EXCL without O_CREAT: refused where somebody holds the device (open(2)). `$@` are devices; prints those held. */
export const EXCLUSIVE = `
if command -v perl > /dev/null; then
  exec perl -MFcntl -MErrno -e 'for (@ARGV) { next if sysopen(my $f, $_, O_RDONLY|O_EXCL|O_NONBLOCK); print "$_\\n" if $!{EBUSY} }' "$@"
fi
if command -v python3 > /dev/null; then
  exec python3 -c '
import errno, os, sys
for one in sys.argv[1:]:
    try: os.close(os.open(one, os.O_RDONLY | os.O_EXCL | os.O_NONBLOCK))
    except OSError as e:
        if e.errno == errno.EBUSY: print(one)' "$@"
fi
command -v mke2fs > /dev/null || exit ${UNASKED}
# Without making anything it looks whether it could, by the same question (ext2fs_check_mount_point of libext2fs).
for device do
  LC_ALL=C mke2fs -n -F "$device" < /dev/null 2>&1 | grep -q 'apparently in use' && echo "$device"
done
:`;

/** Kernel names of those devices asked about that somebody holds; undefined where no program there could ask. */
async function heldAmong(host: Host, snapshot: StorageSnapshot): Promise<ReadonlySet<string> | undefined> {
  const paths = devicesAmong(snapshot);
  if (paths.size === 0) return new Set();
  const held = host.isHere ? await heldHere([...paths.values()]) : await heldThere(host, [...paths.values()]);
  return held && new Set([...paths].filter(([, path]) => held.includes(path)).map(([name]) => name));
}

/** Kernel name → a name that was asked about; each once: two looks at one device at the same time would find each other. */
function devicesAmong(snapshot: StorageSnapshot): Map<string, string> {
  const paths = new Map<string, string>();
  for (const { name, node } of snapshot.names.values()) {
    const block = blockOf(snapshot, node);
    if (block !== undefined) paths.set(block.name, name);
  }
  return paths;
}

async function heldHere(paths: readonly string[]): Promise<string[]> {
  const held: string[] = [];
  for (const path of paths) if (await isHeldHere(path)) held.push(path);
  return held;
}

async function heldThere(host: Host, paths: readonly string[]): Promise<string[] | undefined> {
  const { exitCode, stdout } = await host.run(['sh', '-c', EXCLUSIVE, 'sh', ...paths], {
    accept: [UNASKED],
  });
  return exitCode === UNASKED ? undefined : stdout.split('\n').filter(Boolean);
}

async function isHeldHere(path: string): Promise<boolean> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_EXCL | constants.O_NONBLOCK);
    await handle.close();
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EBUSY';
  }
}
