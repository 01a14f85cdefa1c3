/** The words of bubblewrap (bwrap(1)) for commands of strangers. */

/**
 * Without a network, and without a way out for root either: no capability, no other process in sight, no terminal to type
 * into, no device but those that hold nothing. What /proc would let root's number alone change of the kernel is read-only. The file
 * system comes before it.
 */
export const CONFINED = [
  ...['bwrap', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
  ...['--unshare-net', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
];

export const KERNEL_FOLDERS = ['--proc', '/proc', '--remount-ro', '/proc', '--dev', '/dev'];
