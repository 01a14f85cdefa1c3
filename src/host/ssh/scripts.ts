/**
 * What a host over SSH is asked beyond running a command: fixed POSIX scripts, arguments as words. Paths among them do
 * not begin with a dash (SshHost sees to it).
 */

/** Exit code for "no such file", which no program here uses for anything else. */
export const NOTHING_THERE = 44;

export const READ = `[ -e "$1" ] || exit ${NOTHING_THERE}; exec cat "$1"`;

/** Makes the folder of a path. Most are there, and a process is the dearest thing here. */
const FOLDER = `folder() {
  case $1 in
    */*) [ -z "\${1%/*}" ] || [ -d "\${1%/*}" ] || mkdir -p "\${1%/*}" ;;
  esac
}`;

/** Path, temporary path, mode, bytes: what did not come whole is not put into place. */
export const WRITE = `${FOLDER}
set -e
umask 077
folder "$1"
trap 'rm -f "$2"' EXIT
cat > "$2"
[ "$(wc -c < "$2")" -eq "$4" ] || { echo 'not all of it arrived' >&2; exit 1; }
[ "$3" = 600 ] || chmod "$3" "$2"
sync "$2" 2>/dev/null || sync
[ ! -d "$1" ] || { echo "$1 is a folder" >&2; exit 1; }
mv -f "$2" "$1"
trap - EXIT`;

export const REMOVE = 'rm -rf "$1"';

/** Names, each ended by a NUL. */
export const LIST = `cd "$1" 2>/dev/null || { [ ! -d "$1" ]; exit; }
for f in * .[!.]* ..?*; do if [ -e "$f" ] || [ -L "$f" ]; then printf '%s\\0' "$f"; fi; done`;

/** Folder, suffix: of each file its name and a NUL, its bytes and a NUL, its content. */
export const READ_ALL = `cd "$1" 2>/dev/null || { [ ! -d "$1" ]; exit; }
for f in *"$2" .[!.]*"$2"; do if [ -f "$f" ]; then
  printf '%s\\0%s\\0' "$f" "$(wc -c < "$f")"
  cat "$f"
fi; done`;

/** Raw mode in hex, bytes, blocks of 512 bytes, owner. */
export const STAT = `[ -e "$1" ] || exit ${NOTHING_THERE}; exec stat -L -c '%f %s %b %u' "$1"`;

const NEW_FILE = `${FOLDER}
set -e
umask 077
folder "$1"`;

/** Temporary path. */
export const PUT_FILE = `${NEW_FILE}
exec cat > "$1"`;

/** Makes the folder that a path lies in. */
export const MAKE_FOLDER = `${FOLDER}
folder "$1"`;

/** Fails where what has gone wrong by SFTP goes wrong for the shell too, and says why: more than any request is written. */
export const TRY_WRITE = `${NEW_FILE}
head -c 1048576 /dev/zero >> "$1"`;

export const PUT_FOLDER = `set -e
mkdir -p "$1"
cd "$1"
exec tar -x -f -`;

/** SHA-256 of what stands at a path; empty where nothing can tell. */
export const DIGEST = `command -v sha256sum > /dev/null || exit 0
sha256sum < "$1" | cut -d ' ' -f 1`;

/**
 * From a temporary path to the right one; of a file its SHA-256, mode and bytes. A folder must not be there yet. What can't
 * tell a digest is believed.
 */
export const PLACE = `set -e
if [ -d "$2" ]; then echo "$2 is there already" >&2; exit 1; fi
if [ -n "$3" ]; then
  [ "$(wc -c < "$1")" -eq "$5" ] || { echo 'not all of it arrived' >&2; exit 1; }
  if command -v sha256sum > /dev/null; then
    [ "$(sha256sum < "$1" | cut -d ' ' -f 1)" = "$3" ] || { echo 'what arrived is not what was sent' >&2; exit 1; }
  fi
  chmod "$4" "$1"
  sync "$1" 2>/dev/null || sync
fi
mv -f "$1" "$2"`;

export const GET_FOLDER = 'cd "$1" && exec tar -c -f - .';

export const FACTS = `hostname; uname -s; uname -r; uname -m; id -u
cat /proc/sys/kernel/random/boot_id 2>/dev/null || true`;

/** Log, folder, settings of the environment and the command: a session of its own; prints its process id. */
export const START = `${FOLDER}
set -e
folder "$1"
exec 3>> "$1"
cd "$2"
shift 2
setsid env "$@" < /dev/null >&3 2>&3 3>&- &
printf '%s' "$!"`;

/** Path, tries at intervals of 0.1 s. flock(1) of busybox knows no time limit. */
export const LOCK = `${FOLDER}
set -e
folder "$1"
[ -d "$1" ] || : >> "$1"
exec 9< "$1"
n=0
until flock -n 9; do
  [ "$n" -lt "$2" ] || exit 75
  n=$((n + 1))
  sleep 0.1
done
echo
exec cat`;

export const STATE_FOLDER = `if [ "$(id -u)" -eq 0 ]; then echo /var/lib/aoe-lab
else echo "\${XDG_STATE_HOME:-$HOME/.local/state}/aoe-lab"; fi`;
