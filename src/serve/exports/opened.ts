/** What processes have open, by what it is rather than by a name. */
import type { Host } from '../../hosts/host/host.js';
import { CACHED } from '../storage/silent.js';
import type { DeviceNumber } from '../storage/snapshot.js';
import { parseNode } from '../storage/survey-text.js';

export interface OpenedFile {
  /** The kernel's link to it, which leads there whatever its name is: `/proc/PID/fd/N`. */
  at: string;
  /** What the kernel calls it now, ` (deleted)` behind it where that name is gone; undefined where that can't be told. */
  name: string | undefined;
  /** Names that it has; 0: what is written to it is lost when nobody has it open any more. */
  links: number;
  /** Of 512 bytes; 0: nothing was ever written to it. */
  blocks: number;
}

export interface Opened {
  /** Files, by `DEV:INODE`. */
  files: ReadonlyMap<string, OpenedFile>;
  devices: ReadonlySet<DeviceNumber>;
}

/** What files are known by. */
export function keyOf({ dev, inode }: { dev: string; inode: string }): string {
  return `${dev}:${inode}`;
}

/** Of each process; one that may not be looked at (it is another user's) is left out. */
const SCRIPT = `LC_ALL=C; export LC_ALL${CACHED}
for pid do
  echo "process $pid"
  ls "/proc/$pid/fd" > /dev/null 2>&1 || continue
  echo seen
  find "/proc/$pid/fd" -type l -exec stat -L $cached -c '%f %d %i %W %s %b %u %t %T %h %n' {} + 2>/dev/null
  ls -l "/proc/$pid/fd" 2>/dev/null
done
:`;

/** By process id. */
export async function openedBy(host: Host, pids: readonly number[]): Promise<Map<number, Opened>> {
  if (pids.length === 0) return new Map();
  const { stdout } = await host.run(['sh', '-c', SCRIPT, 'sh', ...pids.map(String)]);
  const found = new Map<number, Opened>();
  for (const text of stdout.split(/^process (?=\d+$)/m).slice(1)) {
    const [pid, seen, ...lines] = text.split('\n');
    if (seen !== 'seen') continue;
    found.set(Number(pid), parseOpened(lines));
  }
  return found;
}

function parseOpened(lines: readonly string[]): Opened {
  const names = namesIn(lines);
  const files = new Map<string, OpenedFile>();
  const devices = new Set<DeviceNumber>();
  for (const line of lines) {
    const node = parseNode(line);
    const [, links, at = '', fd] = / (\d+) (\/proc\/\d+\/fd\/(\d+))$/.exec(line) ?? [];
    if (node?.kind === 'block') devices.add(node.number);
    if (node?.kind !== 'file' || fd === undefined) continue;
    files.set(keyOf(node.id), { at, name: names.get(fd), links: Number(links), blocks: node.blocks });
  }
  return { files, devices };
}

/** Of what is open under each number, by lines of ls(1). A name with line breaks may claim to be another number's: none of the two is told then. */
function namesIn(lines: readonly string[]): Map<string, string | undefined> {
  const names = new Map<string, string | undefined>();
  for (const line of lines) {
    const [, fd, name] = /^l.*? (\d+) -> (\/.*)$/.exec(line) ?? [];
    if (fd !== undefined) names.set(fd, names.has(fd) ? undefined : name);
  }
  return names;
}

/** Folders of `StateFolder` that hold no images. */
const NOT_SERVED = ['artifacts', 'daemons', 'disks', 'exports', 'logs', 'modules', 'persist'];

/**
 * What processes have open of others: a log, a script or a state file in one of our folders is nothing that they serve. An
 * image may lie beside these.
 * @param folder of the state
 */
export function withoutOwn(all: readonly Opened[], folder: string): Opened[] {
  const own = NOT_SERVED.map((name) => `${folder}/${name}/`);
  return all.flatMap(({ files, devices }) => {
    const served = [...files].filter(([, { name = '' }]) => !own.some((one) => name.startsWith(one)));
    return served.length === 0 && devices.size === 0 ? [] : [{ files: new Map(served), devices }];
  });
}

/** Files of the disk that processes have open and that have no name any more, by the name that they had; memory of the kernel's looks alike. */
export async function deletedFilesOf(
  host: Host,
  pids: readonly number[],
): Promise<{ name: string; at: string }[]> {
  const folders = pids.map((pid) => `/proc/${pid}/fd/`);
  if (folders.length === 0) return [];
  // Looked at by name first, which waits for no disk. 1, 2: one has ended.
  const { stdout } = await host.run(['ls', '-l', ...folders], { accept: [1, 2] });
  if (!/ -> \/.* \(deleted\)$/m.test(stdout)) return [];
  const all = [...(await openedBy(host, pids)).values()].flatMap(({ files }) => [...files.values()]);
  const found = new Map<string, string>();
  for (const { links, at, name = 'a file with line breaks in its name' } of all) {
    const plain = plainName(name);
    if (links === 0 && !/^\/(memfd:|\[|dev\/|SYSV|anon_hugepage)/.test(plain)) found.set(plain, at);
  }
  return [...found].map(([name, at]) => ({ name, at })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Without what the kernel says behind it. */
export function plainName(name: string): string {
  return name.replace(/ \(deleted\)$/, '');
}
