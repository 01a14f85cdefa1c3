/** What programs that last are started with: the environment that they need, and no open file of whoever starts them. No I/O. */

/** Whole, but for what a program's starter adds: nothing of the operator's. The last folder is NixOS's, which has no other. */
export const CLEAN_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin',
  LANG: 'C',
};

/**
 * Not all shells can close descriptors of two digits: dash takes the number for a command. What bash's loop is given ends
 * with `--`.
 */
const CLOSE = `strays=
for fd in /proc/self/fd/*; do
  fd=\${fd##*/}
  case $fd in
    [012]|\\*) ;;
    [3-9]) eval "exec $fd>&-" ;;
    *) strays="$strays $fd" ;;
  esac
done
[ -n "$strays" ] || exec "$@"
if ( eval "exec 10>&-" ) 2> /dev/null; then
  for fd in $strays; do eval "exec $fd>&-"; done
elif command -v bash > /dev/null 2>&1; then
  exec bash -c 'while [ "$1" != -- ]; do eval "exec $1>&-"; shift; done; shift; exec "$@"' bash $strays -- "$@"
fi
exec "$@"`;

/** The command that closes all but standard input and output, and becomes another one. */
export function withoutStrays(argv: readonly string[]): string[] {
  return ['sh', '-c', CLOSE, 'aoe-lab-start', ...argv];
}

/** The command that forgets the environment it is given, and becomes another one. */
export function withEnvironment(argv: readonly string[], env: Readonly<Record<string, string>>): string[] {
  return ['/usr/bin/env', '-i', ...settings(env), ...argv];
}

/** The environment of a program, as words. */
export function settings(env: Readonly<Record<string, string>>): string[] {
  return Object.entries({ ...CLEAN_ENVIRONMENT, ...env }).map(([name, value]) => `${name}=${value}`);
}
