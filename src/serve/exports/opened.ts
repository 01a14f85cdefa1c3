/** What processes have open, by what it is rather than by a name. */
import { LabError } from '../../base/errors.js';
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

export interface OpenedNow {
  /** By process id. */
  seen: ReadonlyMap<number, Opened>;
  /** Processes that may not be looked into: another user's, or with capabilities that this one lacks. */
  hidden: ReadonlySet<number>;
}

/** Of all processes together. Names come last: they may hold line breaks, and forge any line. */
const SCRIPT = `LC_ALL=C; export LC_ALL${CACHED}
fds=
for pid do
  [ -r "/proc/$pid/fd" ] || { [ ! -d "/proc/$pid" ] || echo "hidden $pid"; continue; }
  echo "seen $pid"
  fds="$fds /proc/$pid/fd/*"
done
[ -n "$fds" ] || exit 0
stat -L $cached -c '%f %d %i %W %s %b %u %t %T %h %n' $fds 2>/dev/null
echo @names
ls -ld $fds 2>/dev/null
:`;

/** What processes have open; those that have ended are left out. */
export async function openedBy(host: Host, pids: readonly number[]): Promise<OpenedNow> {
  if (pids.length === 0) return { seen: new Map(), hidden: new Set() };
  const { stdout } = await host.run(['sh', '-c', SCRIPT, 'sh', ...pids.map(String)]);
  return parseOpened(stdout);
}

/**
 * The same where nothing may be left out.
 * @throws LabError if one of them may not be looked into
 */
export async function allOpenedBy(host: Host, pids: readonly number[]): Promise<Opened[]> {
  const { seen, hidden } = await openedBy(host, pids);
  if (hidden.size === 0) return [...seen.values()];
  throw new LabError({
    tried: `looking at what process ${[...hidden].join(', ')} has open`,
    happened:
      'it has rights that this user lacks, so that the kernel does not tell: what only it keeps would be lost with it',
    next: `as root, ls -l ${[...hidden].map((pid) => `/proc/${pid}/fd`).join(' ')} tells`,
  });
}

/** Reads what the script printed. */
export function parseOpened(text: string): OpenedNow {
  const [nodes = [], names] = partsOf(text);
  const hidden = new Set<number>();
  const found = new Map<number, { files: Map<string, OpenedFile>; devices: Set<DeviceNumber> }>();
  for (const line of nodes) {
    const seen = /^seen (\d+)$/.exec(line)?.[1];
    if (seen !== undefined) found.set(Number(seen), { files: new Map(), devices: new Set() });
    const unseen = /^hidden (\d+)$/.exec(line)?.[1];
    if (unseen !== undefined) hidden.add(Number(unseen));
    const node = parseNode(line);
    const [, links, at = '', pid] = / (\d+) (\/proc\/(\d+)\/fd\/\d+)$/.exec(line) ?? [];
    const opened = found.get(Number(pid));
    if (node?.kind === 'block') opened?.devices.add(node.number);
    if (node?.kind !== 'file') continue;
    opened?.files.set(keyOf(node.id), { at, name: names.get(at), links: Number(links), blocks: node.blocks });
  }
  return { seen: found, hidden };
}

/** The lines before those of ls(1), and what these say of each `/proc/PID/fd/N`. */
export function partsOf(text: string): [lines: string[], names: Map<string, string | undefined>] {
  const [, before = text, listed = ''] = /^(.*?)^@names$(.*)/ms.exec(text) ?? [];
  const names = new Map<string, string | undefined>();
  for (const line of listed.split('\n')) {
    const [, at, name] = /^l.*? (\/proc\/\d+\/fd\/\d+) -> (.*)$/.exec(line) ?? [];
    // A name with line breaks may claim to be another number's: none of the two is told then.
    if (at !== undefined) names.set(at, names.has(at) ? undefined : name);
  }
  return [before.split('\n'), names];
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

/**
 * Files of the disk that processes have open and that have no name any more, by the name that they had; memory of the kernel's
 * looks alike.
 * @throws LabError if one of them can't be looked into
 */
export async function deletedFilesOf(
  host: Host,
  pids: readonly number[],
): Promise<{ name: string; at: string }[]> {
  const folders = pids.map((pid) => `/proc/${pid}/fd/`);
  if (folders.length === 0) return [];
  // Looked at by name first, which waits for no disk. 1, 2: one has ended, or may not be looked into.
  const { stdout, exitCode } = await host.run(['ls', '-l', ...folders], { accept: [1, 2] });
  if (exitCode === 0 && !/ -> \/.* \(deleted\)$/m.test(stdout)) return [];
  const all = (await allOpenedBy(host, pids)).flatMap(({ files }) => [...files.values()]);
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
