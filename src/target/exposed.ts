/** A file that somebody else may exchange: whatever starts its target, a link in its place is not followed. */
import type { ExportEntry } from './entry.js';

/** `$1` what is opened, `$2` what that was. */
const SCRIPT = `real=$(readlink -f -- "$1") && [ "$real" = "$2" ] && exit
echo "aoe-lab: $1 is not served: it leads to \${real:-nothing} now, through a link that somebody else could have made" >&2
exit 1`;

/** The command that fails where links lead elsewhere than to the file; undefined where nobody else could have set one. */
export function exposedCommand({ backing }: ExportEntry): string[] | undefined {
  const { exposed, links, kind, opens, path } = backing;
  if (!exposed || links === 'any' || kind !== 'file') return undefined;
  return ['sh', '-c', SCRIPT, 'aoe-lab-way', opens, path];
}
