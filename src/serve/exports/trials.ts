/** What trials leave on a host (see trial.ts), found and removed; to be called under the lock. */
import { posix } from 'node:path';
import type { Host } from '../../hosts/host/host.js';
import type { EntryStore, ExportEntry } from './entry.js';

/** Names of all that have a folder. */
export function listTrials(store: EntryStore): Promise<string[]> {
  return store.host.list(store.trialsFolder());
}

/** Names of trials that entries belong to, and whose process is gone. */
export async function abandonedTrials(store: EntryStore, entries: readonly ExportEntry[]): Promise<string[]> {
  return abandonedAmong(store, [
    ...new Set(entries.flatMap(({ trial }) => (trial === undefined ? [] : [trial]))),
  ]);
}

/** Those whose lock nobody holds: of a folder that is not there nobody does. */
export async function abandonedAmong(store: EntryStore, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  const script = `for f; do if [ ! -d "$f" ] || flock -n "$f" true; then echo "\${f##*/}"; fi; done`;
  const folders = names.map((name) => store.trialFolder(name));
  const { stdout } = await store.host.run(['sh', '-c', script, 'sh', ...folders]);
  return stdout.split('\n').filter((name) => name !== '');
}

/** Removes their files, once their exports have ended. */
export async function removeTrials(store: EntryStore, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const { host } = store;
  for (const name of names) {
    const elsewhere = await readOr(store, elsewhereFile(store, name));
    // Only what bears its name and its mark is its own: in folders of others it may be another by now.
    if (posix.basename(elsewhere) === folderName(name) && (await isMarked(host, elsewhere))) {
      await host.remove(elsewhere);
    }
    await host.remove(store.trialFolder(name));
  }
  // 1: others are there.
  await host.run(['rmdir', store.trialsFolder()], { accept: [1] });
}

/** For a trial's files: too deep for `EntryStore.collectGarbage`, which others may do while one arrives. */
export function filesFolder(store: EntryStore, name: string): string {
  return posix.join(store.trialFolder(name), 'files');
}

/** Holds the path of another folder that a trial has. */
export function elsewhereFile(store: EntryStore, name: string): string {
  return posix.join(filesFolder(store, name), 'elsewhere');
}

const MARK = '.aoe-lab-trial';

/** Makes a folder that nobody else may enter, and marks it as a trial's. */
const MAKE = `umask 077
mkdir "$1" && cd -P "$1" || exit
if [ ! -O . ]; then
  echo "$1 became user $(stat -c %u .)'s when it was made, as where a server of NFS takes root for nobody (root_squash)" >&2
  rmdir "$1"
  exit 1
fi
set -C && : > ./${MARK}`;

/** Fails where it is another's, a link, or a folder that was not made for a trial. An empty one had no time to be marked. */
const IS_MARKED = `[ -d "$1" ] && [ ! -L "$1" ] && cd -P "$1" && [ -O . ] || exit 1
[ -f ./${MARK} ] && [ -O ./${MARK} ] && exit 0
for f in ./* ./.[!.]* ./..?*; do if [ -e "$f" ] || [ -L "$f" ]; then exit 1; fi; done`;

/** @param path of a folder of `folderName`, which is not there yet */
export async function makeElsewhere(host: Host, path: string): Promise<void> {
  await host.run(['sh', '-c', MAKE, 'sh', path]);
}

async function isMarked(host: Host, path: string): Promise<boolean> {
  return (await host.run(['sh', '-c', IS_MARKED, 'sh', path], { accept: [1] })).exitCode === 0;
}

/** Of a trial's folder elsewhere. */
export function folderName(name: string): string {
  return `aoe-lab-${name}`;
}

async function readOr(store: EntryStore, path: string): Promise<string> {
  try {
    return (await store.host.read(path)).toString();
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return '';
    throw error;
  }
}
