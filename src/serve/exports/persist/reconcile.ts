/** Makes the services of a host those of its persistent exports: what is missing is written, what is too many goes. */

import { posix } from 'node:path';
import { digestOf } from '../../../base/digest.js';
import { parseJson } from '../../../base/json.js';
import { type Host, isTemporary } from '../../../hosts/host/host.js';
import { readIfThere } from '../../../hosts/host/if-there.js';
import { confinementOf } from '../../../hosts/tools/confine.js';
import type { EntryStore, ExportEntry } from '../entry.js';
import { serviceManager } from './manager.js';
import { type Persistence, type PersistFile, type Place, renderPersistence } from './render.js';
import { hasInitScripts } from './scripts.js';

/** What of ours a host has, or is about to get: written before it is done. */
interface Installed {
  services: string[];
  /** Those of them that are started at boot. */
  enabled: string[];
  /** Path → digest of what was written; none while that is under way. */
  files: Record<string, string | null>;
}

interface Wanted extends Persistence {
  /** Services of targets that gave their place to others and may run yet: there, and not started at boot. */
  retired: string[];
}

/** The services that the entries of a host ask for now. */
export async function wantedPersistence(
  store: EntryStore,
  entries?: readonly ExportEntry[],
): Promise<Wanted> {
  const kept = (entries ?? (await store.all())).filter(
    ({ persist, phase }) => persist && phase !== 'stopping',
  );
  if (kept.length === 0) return { services: [], retired: [], files: [] };
  const place = await placeOf(store.host);
  const { services, files } = renderPersistence(store, kept, place);
  const others = kept.flatMap(({ migration }) => migration?.other ?? []);
  const left = renderPersistence(store, others, place);
  const paths = new Set(files.map(({ path }) => path));
  return {
    services,
    retired: left.services.filter((service) => !services.includes(service)),
    files: [...files, ...left.files.filter(({ path }) => !paths.has(path))],
  };
}

/**
 * To be called under the lock, and again after whatever killed it. Services are stopped here, and never started. At no
 * moment would a boot start two targets of one export.
 * @param repair trust nothing that is on record: compare each file, enable each service
 */
export async function reconcilePersistence(store: EntryStore, repair: boolean): Promise<void> {
  const { host } = store;
  const installed = await readInstalled(store);
  const wanted = await wantedPersistence(store);
  const digests = Object.fromEntries(wanted.files.map(({ path, text }) => [path, digestOf(text)]));
  const changed = wanted.files.filter(({ path }) => installed.files[path] !== digests[path]);
  const known = [...wanted.services, ...wanted.retired];
  const surplus = installed.services.filter((service) => !known.includes(service));
  const stale = Object.keys(installed.files).filter((path) => !(path in digests));
  const disabled = wanted.services.filter((service) => !installed.enabled.includes(service));
  const isAsWanted = [changed, surplus, stale, disabled, wanted.retired].every((list) => list.length === 0);
  if (isAsWanted && (!repair || wanted.services.length === 0)) return;
  await writeInstalled(store, {
    services: [...new Set([...known, ...installed.services])],
    enabled: installed.enabled.filter((service) => wanted.services.includes(service)),
    files: { ...installed.files, ...Object.fromEntries(changed.map(({ path }) => [path, null])) },
  });
  await removeTemporary(host, [...stale, ...Object.keys(digests)]);
  const manager = await serviceManager(host);
  const isLast = wanted.services.length === 0;
  // Before the configuration of a daemon says that it is to serve the export from now on.
  if (wanted.retired.length > 0) await manager.retire(wanted.retired);
  // What stays first: the service of a daemon must need no loop device any more that is about to go.
  for (const { path, text, mode } of repair ? await differing(host, wanted.files) : changed) {
    await host.write(path, text, mode);
  }
  if (!isLast) await manager.enable([], store);
  // Those that need others first.
  await manager.disable(surplus.toReversed(), store);
  const late = repair ? wanted.services : disabled;
  if (late.length > 0) await manager.enable(late, store);
  for (const path of stale) await host.remove(path);
  if (stale.length > 0) await manager.forget(surplus, store, isLast);
  if (isLast) return host.remove(store.persistFolder());
  await writeInstalled(store, { services: known, enabled: wanted.services, files: digests });
}

async function differing(host: Host, files: readonly PersistFile[]): Promise<PersistFile[]> {
  const there = await Promise.all(files.map(({ path }) => readIfThere(host, path)));
  return files.filter(({ text }, index) => there[index]?.toString() !== text);
}

/** Removes what killed commands had half written; there are other people's files in these folders too. */
async function removeTemporary(host: Host, paths: readonly string[]): Promise<void> {
  const names = new Set(paths.map((path) => posix.basename(path)));
  for (const folder of new Set(paths.map((path) => posix.dirname(path)))) {
    for (const name of await host.list(folder)) {
      const isOurs = names.has(name.replace(/^\.(.*)\.[0-9a-f]{12}\.tmp$/, '$1'));
      if (isTemporary(name) && isOurs) await host.remove(posix.join(folder, name));
    }
  }
}

export async function placeOf(host: Host): Promise<Required<Place>> {
  const [{ kind }, initScripts, udev, confinement] = await Promise.all([
    serviceManager(host),
    hasInitScripts(host),
    host.stat('/run/udev/control'),
    confinementOf(host),
  ]);
  return { manager: kind, initScripts, udev: udev !== undefined, confinement };
}

function recordPath(store: EntryStore): string {
  return posix.join(store.persistFolder(), 'installed.json');
}

async function readInstalled(store: EntryStore): Promise<Installed> {
  const text = await readIfThere(store.host, recordPath(store));
  if (text === undefined) return { services: [], enabled: [], files: {} };
  return parseJson(text.toString()) as Installed;
}

async function writeInstalled(store: EntryStore, installed: Installed): Promise<void> {
  await store.host.write(recordPath(store), JSON.stringify(installed));
}
