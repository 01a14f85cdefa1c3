/** Running processes of vblade, which may be configured nowhere (started by hand, by a script that is gone). */
import { posix } from 'node:path';
import { BEARING } from '../../host/bearing.js';
import type { Host } from '../../host/host.js';
import { readIfThere } from '../../host/if-there.js';
import { RUN_MARK } from '../../target/processes.js';
import { attempt, Doubt, type Draft, type Found, nothingFound } from './found.js';
import { decode, isUtf8 } from './text.js';
import { vbladeCommand } from './vblade-command.js';

/** Kind, device and inode of a file; of a device its number besides. */
const IDENTITY = '%F|%d|%i|%t|%T|%n';

export async function readProcesses(host: Host): Promise<Found> {
  const found = nothingFound();
  const spaces = await namedSpaces(host);
  for (const pid of await processesOf(host)) {
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
      if (isUtf8(path) && !facts.opened(path))
        throw new Doubt(place, `the process ${pid} serves another file than what ${path} is now`);
      return { ...one, path, ...(facts.netns === undefined ? {} : { netns: facts.netns }) };
    });
  }
  return found;
}

/** Those that may be vblade's, and are not ours. */
async function processesOf(host: Host): Promise<string[]> {
  const pids = (await host.list('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await mentioning(
    host,
    'vblade',
    pids.map((pid) => `/proc/${pid}/cmdline`),
  );
  const files = found.map((file) => file.replace(/cmdline$/, 'environ'));
  const ours = new Set(await mentioning(host, `${RUN_MARK}=`, files));
  return files.filter((file) => !ours.has(file)).map((file) => file.split('/')[2] as string);
}

async function mentioning(host: Host, text: string, files: readonly string[]): Promise<string[]> {
  if (files.length === 0) return [];
  // 1: none; 2: some have ended, or are others'.
  const script = `${BEARING}\nbearing "$@"`;
  const { stdout } = await host.run(['sh', '-c', script, 'sh', text, ...files], { accept: [1, 2] });
  return stdout.split('\n').filter((line) => line !== '');
}

interface Facts {
  /** Its working folder. */
  folder: string;
  netns?: string;
  /** Whether it has open what a path means here. */
  opened(path: string): boolean;
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
    const handles = (await host.list(`/proc/${pid}/fd`)).map((name) => `/proc/${pid}/fd/${name}`);
    const opened = new Set(await identities(host, handles));
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
      opened: (path) => opened.has(paths.get(posix.resolve(path)) ?? ''),
    };
  } catch {
    return { doubt: 'what it has open can not be seen' };
  }
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
  return stdout.split('\n').flatMap((line) => {
    const [kind = '', device, inode, major, minor] = line.split('|');
    if (kind === '') return [];
    return [kind.startsWith('block') ? `block ${major}:${minor}` : `${device}:${inode}`];
  });
}
