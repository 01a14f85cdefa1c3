/**
 * A file that somebody else may exchange, at any moment: what is looked at before is not what its target opens. So it is opened
 * first, then asked what it is, and the target is given that. No I/O.
 */
import type { ExportEntry } from './entry.js';

/** What such a target opens: the kernel opens the very file again, whatever its name means by then. */
export const HANDED = '/proc/self/fd/9';

/**
 * `$1` what is opened, `$2` what that was. What is open is told by the kernel, which follows no link for it. What opens may
 * wait (a pipe) is not opened.
 */
const SCRIPT = `opens=$1 was=$2 real=; shift 2
[ -f "$opens" ] && exec 9< "$opens" && real=$(readlink /proc/$$/fd/9)
[ "$real" = "$was" ] && exec "$@"
echo "aoe-lab: $opens is not served: it leads to \${real:-nothing} now, through a link that somebody else could have made" >&2
exit 1`;

/**
 * The file that has to be open where others could have put a link to another one in its place; undefined where nobody could,
 * or the user allowed it.
 */
export function exposedPath({ backing }: ExportEntry): string | undefined {
  const { exposed, links, kind, path } = backing;
  return exposed && links !== 'any' && kind === 'file' ? path : undefined;
}

/** The command that opens the file of a process, and becomes that: it is told `HANDED` for the file. */
export function handed(path: string, opens: string, argv: readonly string[]): string[] {
  return ['sh', '-c', SCRIPT, 'aoe-lab-file', opens, path, ...argv];
}
