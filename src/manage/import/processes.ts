/** Running processes of vblade, which may be configured nowhere (started by hand, by a script that is gone). */
import { constants } from 'node:fs';
import { posix } from 'node:path';
import { O_PATH } from '../../base/files/open-trusted.js';
import { BEARING } from '../../hosts/host/bearing.js';
import type { Host } from '../../hosts/host/host.js';
import { readIfThere } from '../../hosts/host/if-there.js';
import { holdersOf, parsePacketSockets } from '../../serve/exports/packet-sockets.js';
import { RUN_MARK } from '../../serve/exports/processes.js';
import { attempt, Doubt, type Draft, type Found, nothingFound } from './found.js';
import { decode, isUtf8 } from './text.js';
import { vbladeCommand } from './vblade-command.js';

/** Kind, device and inode of a file; of a device its number besides. */
const IDENTITY = '%F|%d|%i|%t|%T|%n';

export async function readProcesses(host: Host): Promise<Found> {
  const found = nothingFound();
  const spaces = await namedSpaces(host);
  for (const { pid, owner } of await processesOf(host)) {
    if (owner !== undefined) {
      const reason = `the process ${pid} is user ${owner}'s, who may call it what he likes`;
      found.leftOut.push({ implementation: 'vblade', place: { file: `/proc/${pid}` }, reason });
      continue;
    }
    const bytes = (await readIfThere(host, `/proc/${pid}/cmdline`)) ?? Buffer.alloc(0);
    const [program = '', ...words] = decode(bytes).replace(/\0$/, '').split('\0');
    if (posix.basename(program) !== 'vblade') continue;
    const place = { file: `/proc/${pid}/cmdline` };
    const draft: Draft = { implementation: 'vblade', place };
    const facts = await lookAt(host, pid, words, spaces);
    attempt(found, draft, () => {
      const one = vbladeCommand(
        words.map((text) => ({ text })),
        draft,
      );
      if ('doubt' in facts) throw new Doubt(place, `the process ${pid}: ${facts.doubt}`);
      const path = posix.isAbsolute(one.path) ? one.path : posix.join(facts.folder, one.path);
      // What a name that is no UTF-8 means can't be asked; no lab can hold it either.
      const opened = isUtf8(path) ? facts.opened(path) : 'unknown';
      if (opened === undefined)
        throw new Doubt(place, `the process ${pid} serves another file than what ${path} is now`);
      // So it does without its option where it may not write.
      const options = opened === 'read' ? { ...one.options, readOnly: true } : one.options;
      return { ...one, path, options, ...(facts.netns === undefined ? {} : { netns: facts.netns }) };
    });
  }
  return found;
}

/**
 * `PID UID` of those that are called vblade; behind that `ours` where it bears our mark, which counts in processes of this
 * user's alone. What others say of themselves is in their memory, and not read.
 */
const CALLED = `${BEARING}
user=$(id -u)
for f in $(grep -lsx vblade /proc/[0-9]*/comm); do
  uid=
  { while read -r key value rest; do
      if [ "$key" = Uid: ]; then uid=$value; break; fi
    done < "\${f%comm}status"; } 2>/dev/null
  [ -n "$uid" ] || continue
  pid=\${f#/proc/} ours=
  if [ "$uid" = "$user" ]; then ours=$(bearing '${RUN_MARK}=' "\${f%comm}environ"); fi
  echo "\${pid%/comm} $uid $user \${ours:+ours}"
done`;

/** Those that may be vblade's, and are not ours. @returns `owner` where that is neither root nor this user */
async function processesOf(host: Host): Promise<{ pid: string; owner?: string }[]> {
  const { stdout } = await host.run(['sh', '-c', CALLED]);
  return [...stdout.matchAll(/^(\d+) (\d+) (\d+) $/gm)].map(([, pid = '', uid, user]) =>
    uid === '0' || uid === user ? { pid } : { pid, owner: uid },
  );
}

interface Facts {
  /** Its working folder. */
  folder: string;
  netns?: string;
  /** How it has open what a path means here. */
  opened(path: string): 'read' | 'write' | undefined;
}

async function lookAt(
  host: Host,
  pid: string,
  words: readonly string[],
  spaces: Spaces,
): Promise<Facts | { doubt: string }> {
  try {
    const folder = (await host.run(['readlink', `/proc/${pid}/cwd`])).stdout.replace(/\n$/, '');
    const [space = ''] = await identities(host, [`/proc/${pid}/ns/net`]);
    const netns = space === spaces.own ? undefined : spaces.named.get(space);
    if (space !== spaces.own && netns === undefined) return { doubt: 'its network namespace has no name' };
    const { stdout: table } = await host.run(['cat', `/proc/${pid}/net/packet`]);
    const holders = await holdersOf(host, parsePacketSockets(table), Number(pid));
    if (holders.size === 0) return { doubt: 'it has no socket for AoE' };
    const opened = await openedBy(host, pid);
    const candidates = words
      .filter((word) => !word.startsWith('-'))
      .map((word) => posix.resolve(folder, word));
    const paths = new Map<string, string>();
    for (const path of candidates) {
      const [identity] = await identities(host, [path]);
      if (identity !== undefined) paths.set(path, identity);
    }
    return {
      folder,
      ...(netns === undefined ? {} : { netns }),
      opened: (path) => opened.get(paths.get(posix.resolve(path)) ?? ''),
    };
  } catch {
    return { doubt: 'what it has open can not be seen' };
  }
}

/** `$1` process, `$2` as IDENTITY: of each descriptor, its flags in octal and what it is. */
const DESCRIPTORS = `for fd in "/proc/$1/fd/"*; do
  flags=
  { while read -r key value rest; do
      if [ "$key" = flags: ]; then flags=$value; break; fi
    done < "/proc/$1/fdinfo/\${fd##*/}"; } 2>/dev/null
  [ -z "$flags" ] || echo "$flags $(stat -L -c "$2" "$fd")"
done 2>/dev/null`;

/** Files that it may read or write, by identity. */
export async function openedBy(host: Host, pid: string): Promise<Map<string, 'read' | 'write'>> {
  const { stdout } = await host.run(['sh', '-c', DESCRIPTORS, 'sh', pid, IDENTITY]);
  const opened = new Map<string, 'read' | 'write'>();
  for (const [, octal = '', line = ''] of stdout.matchAll(/^([0-7]+) (.+)$/gm)) {
    const flags = Number.parseInt(octal, 8);
    const [identity] = identitiesIn(line);
    // By one that is no more than a name nothing can be read or written (open(2), O_PATH).
    if (identity === undefined || (flags & O_PATH) !== 0) continue;
    const isWritten = (flags & 3) !== constants.O_RDONLY;
    if (isWritten || !opened.has(identity)) opened.set(identity, isWritten ? 'write' : 'read');
  }
  return opened;
}

interface Spaces {
  own: string;
  named: ReadonlyMap<string, string>;
}

async function namedSpaces(host: Host): Promise<Spaces> {
  const names = await host.list('/run/netns');
  const [own = ''] = await identities(host, ['/proc/self/ns/net']);
  const named = await Promise.all(
    names.map(
      async (name): Promise<[string, string]> => [
        (await identities(host, [`/run/netns/${name}`]))[0] ?? '',
        name,
      ],
    ),
  );
  return { own, named: new Map(named) };
}

async function identities(host: Host, paths: readonly string[]): Promise<string[]> {
  if (paths.length === 0) return [];
  // 1: one of them is gone.
  const { stdout } = await host.run(['stat', '-L', '-c', IDENTITY, ...paths], { accept: [1] });
  return identitiesIn(stdout);
}

function identitiesIn(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const [kind = '', device, inode, major, minor] = line.split('|');
    if (kind === '') return [];
    return [kind.startsWith('block') ? `block ${major}:${minor}` : `${device}:${inode}`];
  });
}
