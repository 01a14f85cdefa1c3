/**
 * A function of the shell: `bearing TEXT FILE…` prints those files of /proc, in which NUL ends a word, that hold a text. busybox's
 * grep(1) reads up to the first NUL without the option -z, which others lack. What it says of the files it could not read
 * is no answer: what it found is one.
 */
export const BEARING = `bearing() {
  text=$1; shift
  bear=$(grep -lszF "$text" "$@") || [ -n "$bear" ] || bear=$(grep -lsF "$text" "$@")
  [ -z "$bear" ] || printf '%s\\n' "$bear"
}`;
