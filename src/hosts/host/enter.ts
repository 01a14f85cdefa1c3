/** Programs that last, in a network namespace. No I/O. */

/** `$0` is the namespace, the rest the command to become. Without nsenter(1), of util-linux, ip(8) has to do. */
const ENTER = `if command -v nsenter > /dev/null 2>&1
then exec nsenter "--net=/run/netns/$0" -- "$@"
else exec ip netns exec "$0" "$@"
fi`;

/**
 * The command that becomes another one in a network namespace of the host. `ip netns exec` gives it a mount namespace too,
 * which file systems that are mounted later need not reach (ip-netns(8)), and where /sys tells of the namespace's
 * interfaces: no target reads of them there.
 */
export function enterNamespace(netns: string | undefined, argv: readonly string[]): string[] {
  return netns === undefined ? [...argv] : ['sh', '-c', ENTER, netns, ...argv];
}
