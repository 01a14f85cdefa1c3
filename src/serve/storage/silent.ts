/** Questions to file systems and disks that may not answer, such as those of a server that is gone: functions of the shell. */

/** What is said of such a name. */
export const SILENT = 'it did not answer within 5 s: its file system or disk hangs';

/**
 * `answers COMMAND …`: fails if the command, which is asked for nothing but its end, does not end within 5 s. It is told to
 * end then, but not waited for: who waits for a disk may not hear of signals. So it holds nothing of ours open.
 */
export const ANSWERS = `
silent='${SILENT}'
answers() {
  sleep 5 < /dev/null > /dev/null 2>&1 &
  timer=$!
  { trap 'kill -KILL $asked' TERM; "$@" & asked=$!; wait $asked; kill $timer; } < /dev/null > /dev/null 2>&1 &
  asking=$!
  { wait $timer; } 2>/dev/null || return 0
  kill $asking
  return 1
}`;

/** `$cached` is the option of stat(1) that takes what the kernel knows without asking a server; empty where there is none. */
export const CACHED = `
cached=--cached=always
stat $cached / > /dev/null 2>&1 || cached=`;
