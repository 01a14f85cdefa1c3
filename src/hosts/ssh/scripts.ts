/**
 * What a host over SSH is asked beyond running a command: fixed POSIX scripts, arguments as words. Paths among them do
 * not begin with a dash (SshHost sees to it).
 */

/** Exit code for "no such file", which no program here uses for anything else. */
export const NOTHING_THERE = 44;

/** Exit code for "this user may not". */
export const FORBIDDEN = 45;

/** Ends with what a program said of a path: that nothing is there is an answer, all else is none. */
const REFUSED = `refused() {
  case $1 in
    *': No such file or directory'|*': Not a directory') exit ${NOTHING_THERE} ;;
    *': Permission denied'|*': Operation not permitted') printf '%s\\n' "$1" >&2; exit ${FORBIDDEN} ;;
  esac
  printf '%s\\n' "$1" >&2
  exit 1
}`;

/** Only the program that reads is asked whether it can: what a test said of a path need not hold a moment later. */
const answered = (command: string): string => `${REFUSED}
{ said=$(${command} 2>&1 >&3) || refused "$said"; } 3>&1`;

export const READ = answered('cat "$1"');

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

/**
 * A folder is entered, and found to be what was named, before all in it goes: rm(1) of busybox would follow a link that takes
 * its place meanwhile.
 */
export const REMOVE = `status=0
empty() { (
  cd -P "$1" && p=$(pwd -P) && cd -P "./$2" && [ "$(pwd -P)" = "\${p%/}/$2" ] || exit 1
  rm -rf ./* ./.[!.]* ./..?* 2> /dev/null && exit 0
  # More names than fit a command, or one that can't be removed.
  for g in ./* ./.[!.]* ./..?*; do rm -rf "$g" || exit 1; done
) }
for f; do
  shift
  f=\${f%/}
  if [ -L "$f" ] || [ ! -d "$f" ]; then set -- "$@" "$f"; continue; fi
  case $f in */*) d=\${f%/*}/ n=\${f##*/} ;; *) d=./ n=$f ;; esac
  empty "$d" "$n" && rmdir "$f" || { [ ! -e "$f" ] && [ ! -L "$f" ]; } || status=1
done
[ $# -eq 0 ] || rm -f "$@" || status=1
exit $status`;

/** Goes to a folder whose names can be read. */
const ENTER = `${REFUSED}
enter() { cd "$1" 2> /dev/null && [ -r . ]; }
enter "$1" || { said=$(ls "$1/." 2>&1 > /dev/null) || refused "$said"; enter "$1"; } || refused "$1 comes and goes"`;

/** Names, each ended by a NUL. */
export const LIST = `${ENTER}
for f in * .[!.]* ..?*; do if [ -e "$f" ] || [ -L "$f" ]; then printf '%s\\0' "$f"; fi; done`;

/**
 * Folder, suffix, most bytes: of each file its name and a NUL, its bytes and a NUL, its content; `+` for the bytes of one that
 * has more, `-` of what is no file.
 */
export const READ_ALL = `${ENTER}
each() {
  # wc(1) of busybox reads all of it.
  n=$(stat -L -c %s /proc/self/fd/3) || exit 1
  if [ "$n" -gt "$2" ]; then printf '%s\\0+\\0' "$1"; return 0; fi
  printf '%s\\0%s\\0' "$1" "$n"
  head -c "$n" <&3 || exit 1
}
exec 4>&2
for f in *"$2" .[!.]*"$2"; do if [ -f "$f" ]; then
  opened=
  { { opened=1; each "$f" "$3" 2>&4; } 3< "$f"; } 2> /dev/null
  # One that is gone by now says nothing of the folder.
  [ -n "$opened" ] || [ ! -e "$f" ] || { said=$(cat "$f" 2>&1 > /dev/null); [ ! -e "$f" ] || refused "\${said:-$f comes and goes}"; }
elif [ -e "$f" ] || [ -L "$f" ]; then printf '%s\\0-\\0' "$f"
fi; done`;

/** Folder, name: of each folder with such a file its name and a NUL, the file's text and a NUL. One may be just going. */
export const READ_EACH = `${ENTER}
for f in */"$2"; do
  [ -f "$f" ] || continue
  text=$(cat "$f" 2>&1) || case $text in
    *': No such '*) continue ;;
    *) refused "$text" ;;
  esac
  printf '%s\\0%s\\0' "\${f%/*}" "$text"
done`;

/** Raw mode in hex, bytes, blocks of 512 bytes, owner. */
export const STAT = answered('stat -L -c \'%f %s %b %u\' "$1"');

const NEW_FILE = `${FOLDER}
set -e
umask 077
folder "$1"`;

/** Temporary path. */
export const PUT_FILE = `${NEW_FILE}
exec cat > "$1"`;

/** Makes the folder that a path lies in. */
export const MAKE_FOLDER = `${FOLDER}
umask 022
folder "$1"`;

/** Fails where what has gone wrong by SFTP goes wrong for the shell too, and says why: more than any request is written. */
export const TRY_WRITE = `${NEW_FILE}
head -c 1048576 /dev/zero >> "$1"`;

export const PUT_FOLDER = `set -e
umask 022
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

/** Log, folder, its whole environment and the command: a session of its own; prints its process id. */
export const START = `${FOLDER}
set -e
umask 077
folder "$1"
exec 3>> "$1"
cd "$2"
shift 2
setsid env -i "$@" < /dev/null >&3 2>&3 3>&- &
printf '%s' "$!"`;

export const STATE_FOLDER = `if [ "$(id -u)" -eq 0 ]; then echo /var/lib/aoe-lab
else echo "\${XDG_STATE_HOME:-$HOME/.local/state}/aoe-lab"; fi`;
