/** The copy of the program, or of this package's code, that an export runs from: what is wrong with it, and its renewal. */
import { join, posix } from 'node:path';
import { LabError, MissingError } from '../../base/errors.js';
import { quoteArgv } from '../../hosts/host/quote.js';
import { buildFolder, findBuild } from '../../make/compile/store.js';
import type { StorageSnapshot } from '../storage/snapshot.js';
import { type EntryStore, type ExportEntry, exportId, type StateFolder } from './entry.js';
import { putArtifacts } from './export.js';
import { collectGarbage } from './garbage.js';
import { Launcher } from './launcher.js';
import { ownCodeIn, runsOwnCode } from './own-code.js';
import { reconcilePersistence } from './persist/reconcile.js';
import { servingFields } from './plan.js';
import { programMark, programOf } from './program.js';

/** Of `copyPaths`. */
type IsThere = (path: string) => boolean;

/** What an export runs from. */
export function copyPaths(state: StateFolder, entry: ExportEntry): string[] {
  if (runsOwnCode(entry.control)) return entry.node === undefined ? [] : [mainOf(state, entry), entry.node];
  return entry.artifacts.map((name) => posix.join(state.artifactsFolder(entry.build), name));
}

/** Why an export would not start again by what it is recorded to run from; undefined: it would, as far as can be seen. */
export function copyFault(
  state: StateFolder,
  entry: ExportEntry,
  isThere: IsThere,
): 'node' | 'code' | 'package' | 'program' | undefined {
  if (!runsOwnCode(entry.control))
    return missingProgram(state, entry, isThere) === undefined ? undefined : 'program';
  if (entry.node === undefined) return 'package';
  if (!isThere(mainOf(state, entry))) return 'code';
  return isThere(entry.node) ? undefined : 'node';
}

/** @returns in words */
export function describeCopyFault(
  state: StateFolder,
  entry: ExportEntry,
  isThere: IsThere,
): string | undefined {
  switch (copyFault(state, entry, isThere)) {
    case 'package':
      return 'it runs from the folder of aoe-lab itself, which an upgrade changes or removes';
    case 'code':
      return `the copy of its code is not there (${mainOf(state, entry)})`;
    case 'program':
      return `its program is not there (${missingProgram(state, entry, isThere)})`;
    case 'node':
      return `its node is not there (${entry.node})`;
    default:
      return undefined;
  }
}

/** The first of what its build made that is not there; undefined: all is. */
function missingProgram(state: StateFolder, entry: ExportEntry, isThere: IsThere): string | undefined {
  for (const path of copyPaths(state, entry)) if (!isThere(path)) return path;
  return undefined;
}

/** What a survey says of it. @throws LabError where it could not be looked at */
export function thereIn({ names }: Pick<StorageSnapshot, 'names'>): IsThere {
  return (path) => {
    const { node, trouble } = names.get(path) ?? {};
    if (trouble === undefined) return node !== undefined;
    throw new LabError({
      tried: `looking for ${path}`,
      happened: trouble,
      next: 'bring its disk back, or look as root',
    });
  };
}

/**
 * Puts programs of others that are gone there again; those of this package are renewed by `renewCopy`.
 * @throws MissingError where the store here has no build of one
 */
export async function restorePrograms(
  store: EntryStore,
  members: readonly ExportEntry[],
  isThere: IsThere,
): Promise<void> {
  for (const entry of members) if (!runsOwnCode(entry.control)) await restoreProgram(store, entry, isThere);
}

async function restoreProgram(store: EntryStore, entry: ExportEntry, isThere: IsThere): Promise<void> {
  const { build, implementation, release } = entry;
  const path = missingProgram(store, entry, isThere);
  if (path === undefined) return;
  const record = findBuild(build);
  if (record === undefined) {
    throw new MissingError({
      tried: `starting ${exportId(entry)}`,
      happened: `its program ${path} is gone, and the store here has no such build`,
      next: [
        `${quoteArgv(['aoe-lab', 'build', implementation, '--release', release])} (with the --source that it was built from), then run it again`,
        `or end it and export anew: ${quoteArgv(['aoe-lab', 'unexport', exportId(entry)])}`,
      ],
      missing: [path],
    });
  }
  const folder = join(buildFolder(build), 'artifacts');
  const artifacts = record.artifacts.map(({ name }) => ({ name, path: join(folder, name) }));
  await putArtifacts(store, { build, artifacts });
}

/**
 * Gives exports that run this package's code what they need to start: the code of this aoe-lab where their copy is missing
 * or newer code is asked for, and a node. What initiators have set goes on. To be called under the lock; the program may be stopped
 * by it.
 * @param members all of the program
 * @returns them as they are now
 * @throws as `provide`
 */
export async function renewCopy(
  store: EntryStore,
  members: readonly ExportEntry[],
  isUpgrade: boolean,
  isThere: IsThere,
): Promise<readonly ExportEntry[]> {
  const [first] = members;
  if (first === undefined || !runsOwnCode(first.control)) return members;
  const { host } = store;
  const fault = copyFault(store, first, isThere);
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
  if (renewed.some(({ persist }) => persist)) await reconcilePersistence(store, true);
  await collectGarbage(store);
  return renewed;
}

/** What a daemon keeps in its folder `$1` is copied to that of another one, where that has none of the name. */
const COPY_MISSING = `[ -d "$1" ] || exit 0
cd "$1" && find . -type f | while read -r file; do
  [ -e "$2/$file" ] || { mkdir -p "$2/\${file%/*}" && cp -p "$file" "$2/$file"; } || exit 1
done`;

function mainOf(state: StateFolder, entry: ExportEntry): string {
  return posix.join(ownCodeIn(state.artifactsFolder(entry.build)), 'native.cjs');
}
