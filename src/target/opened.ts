/** What processes have open, by what it is rather than by a name. */
import type { Host } from '../host/host.js';
import { CACHED } from '../storage/silent.js';
import type { DeviceNumber } from '../storage/snapshot.js';
import { parseNode } from '../storage/survey-text.js';

export interface Opened {
  /** Files, as `DEV:INODE`. */
  files: ReadonlySet<string>;
  devices: ReadonlySet<DeviceNumber>;
}

/** Of each process; one that may not be looked at (it is another user's) is left out. */
const SCRIPT = `LC_ALL=C; export LC_ALL${CACHED}
for pid do
  echo "process $pid"
  ls "/proc/$pid/fd" > /dev/null 2>&1 || continue
  echo seen
  find "/proc/$pid/fd" -type l -exec stat -L $cached -c '%f %d %i %W %s %b %u %t %T' {} + 2>/dev/null
done
:`;

/** By process id. */
export async function openedBy(host: Host, pids: readonly number[]): Promise<Map<number, Opened>> {
  if (pids.length === 0) return new Map();
  const { stdout } = await host.run(['sh', '-c', SCRIPT, 'sh', ...pids.map(String)]);
  const found = new Map<number, Opened>();
  for (const text of stdout.split('process ').slice(1)) {
    const [pid, seen, ...lines] = text.split('\n');
    if (seen !== 'seen') continue;
    const nodes = lines.flatMap((line) => parseNode(line) ?? []);
    found.set(Number(pid), {
      files: new Set(nodes.filter(({ kind }) => kind === 'file').map(({ id }) => `${id.dev}:${id.inode}`)),
      devices: new Set(nodes.filter(({ kind }) => kind === 'block').map(({ number }) => number)),
    });
  }
  return found;
}
