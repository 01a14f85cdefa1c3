/**
 * Lines of ours in the logs of targets, which tell when a command of ours started them: a log outlives its process, and what
 * an earlier one said is no cause of anything now.
 */
import { posix } from 'node:path';
import { driverFor } from './drivers.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';

export type Occasion = 'exported' | 'restarted' | 'moved here';

const MARK =
  /^aoe-lab: (\S+) is (?:exported|restarted|moved here) at (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)$/;

/** Where the disk is full the target's own words are lost as well: no reason not to start it. */
const APPEND = `umask 077
{ mkdir -p "$1" && printf '%s\\n' "$3" >> "$2"; } 2>/dev/null
:`;

/** A function of the shell: `mark_log LOG ID` writes that an export's target is restarted now. */
export const MARK_LOG = `mark_log() {
  echo "aoe-lab: $2 is restarted at $(date -u +%Y-%m-%dT%H:%M:%S.000Z)" >> "$1"
}`;

/** A function of the shell: `said LOG` prints the last five lines since the last mark. */
export const SAID = `said() {
  awk '/^aoe-lab: [^ ]+ is (exported|restarted|moved here) at / { n = 0; next } { l[n++] = $0 }
    END { for (i = n > 5 ? n - 5 : 0; i < n; i++) print l[i] }' "$1"
}`;

/** To be called before the target of an entry is started, or told of the export. */
export async function markLog(store: EntryStore, entry: ExportEntry, occasion: Occasion): Promise<void> {
  const log = driverFor(store, entry).logPath(entry);
  const line = `aoe-lab: ${exportId(entry)} is ${occasion} at ${new Date().toISOString()}`;
  await store.host.run(['sh', '-c', APPEND, 'sh', posix.dirname(log), log, line]);
}

/** The lines since the last start by a command; all where there is no mark, as in logs of earlier versions. */
export function linesSinceMark(lines: readonly string[]): string[] {
  return lines.slice(lines.findLastIndex((line) => MARK.test(line)) + 1);
}

/** Where what belongs to an export begins in the log that it shares with others, and with what had its address before it. */
export function exportedAt(
  text: string,
  entry: Pick<ExportEntry, 'shelf' | 'slot' | 'iface' | 'netns' | 'since'>,
): number {
  const id = exportId(entry);
  let at = 0;
  for (const line of text.split('\n')) {
    const [, of, time = ''] = MARK.exec(line) ?? [];
    if (of === id && time >= entry.since) return at;
    at += line.length + 1;
  }
  return 0;
}
