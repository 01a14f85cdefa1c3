/** The copy of this package's code that an export runs from: what is wrong with it, and its renewal. */
import { posix } from 'node:path';
import type { Host } from '../host/host.js';
import type { EntryStore, ExportEntry, StateFolder } from './entry.js';
import { putArtifacts } from './export.js';
import { Launcher } from './launcher.js';
import { ownCodeIn, runsOwnCode } from './own-code.js';
import { settlePersistence } from './persist/settle.js';
import { servingFields } from './plan.js';
import { programMark, programOf } from './program.js';
import { tidy } from './tidy.js';

type IsThere = (path: string) => Promise<boolean>;

/** Why an export would not start again by what it is recorded to run from; undefined: it would, as far as can be seen. */
export async function copyFault(
  state: StateFolder,
  entry: ExportEntry,
  isThere: IsThere,
): Promise<'node' | 'code' | 'package' | undefined> {
  if (!runsOwnCode(entry.control)) return undefined;
  if (entry.node === undefined) return 'package';
  if (!(await isThere(mainOf(state, entry)))) return 'code';
  return (await isThere(entry.node)) ? undefined : 'node';
}

/** @returns in words */
export async function describeCopyFault(
  state: StateFolder,
  entry: ExportEntry,
  isThere: IsThere,
): Promise<string | undefined> {
  switch (await copyFault(state, entry, isThere)) {
    case 'package':
      return 'it runs from the folder of aoe-lab itself, which an upgrade changes or removes';
    case 'code':
      return `the copy of its code is not there (${mainOf(state, entry)})`;
    case 'node':
      return `its node is not there (${entry.node})`;
    default:
      return undefined;
  }
}

/**
 * Gives exports of one program what they need to start: the code of this aoe-lab where their copy is missing or newer code
 * is asked for, and a node. What initiators have set goes on. To be called under the lock; the program may be stopped
 * by it.
 * @param members all of the program
 * @returns them as they are now
 * @throws as `provide`
 */
export async function renewCopy(
  store: EntryStore,
  members: readonly ExportEntry[],
  isUpgrade: boolean,
): Promise<readonly ExportEntry[]> {
  const [first] = members;
  if (first === undefined || !runsOwnCode(first.control)) return members;
  const { host } = store;
  const fault = await copyFault(store, first, isThereOn(host));
  if (fault === undefined && !isUpgrade) return members;
  const { provide } = await import('./provide.js');
  const provided = await provide(first.implementation, { release: first.release, runsOn: host });
  const { node } = provided;
  if (fault === 'code') await host.remove(store.artifactsFolder(first.build));
  const isKept = fault === 'node' && !isUpgrade;
  const fields = isKept ? (node === undefined ? {} : { node }) : await servingFields(provided);
  const renewed = members.map((entry): ExportEntry => ({ ...entry, ...fields }));
  if (!isKept) await putArtifacts(store, provided);
  const [next] = renewed as [ExportEntry, ...ExportEntry[]];
  const [from, to] = [programMark(store, first), programMark(store, next)];
  if (from !== to) {
    await new Launcher(store).stop(programOf(store, members, ''));
    if (first.control.shape === 'daemon') await host.run(['sh', '-c', COPY_MISSING, 'sh', from, to]);
  }
  for (const entry of renewed) await store.write(entry);
  if (renewed.some(({ persist }) => persist)) await settlePersistence(store, true);
  await tidy(store);
  return renewed;
}

/** What a daemon keeps in its folder `$1` is copied to that of another one, where that has none of the name. */
const COPY_MISSING = `[ -d "$1" ] || exit 0
cd "$1" && find . -type f | while read -r file; do
  [ -e "$2/$file" ] || { mkdir -p "$2/\${file%/*}" && cp -p "$file" "$2/$file"; } || exit 1
done`;

export function isThereOn(host: Host): IsThere {
  return async (path) => (await host.stat(path)) !== undefined;
}

function mainOf(state: StateFolder, entry: ExportEntry): string {
  return posix.join(ownCodeIn(state.artifactsFolder(entry.build)), 'native.cjs');
}
