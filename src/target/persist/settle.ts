/** Makes the services of a host those of its persistent exports: what is missing is written, what is too many goes. */
import { posix } from 'node:path';
import { digestOf } from '../../digest.js';
import { type Host, isTemporary } from '../../host/host.js';
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

/** The services that the entries of a host ask for now. */
export async function wantedPersistence(
  store: EntryStore,
  entries?: readonly ExportEntry[],
): Promise<Persistence> {
  const kept = (entries ?? (await store.all())).filter(
    ({ persist, phase }) => persist && phase !== 'stopping',
  );
  if (kept.length === 0) return { services: [], files: [] };
  return renderPersistence(store, kept, await placeOf(store.host));
}

/**
 * To be called under the lock, and again after whatever killed it. Services are stopped here, and never started.
 * @param mend trust nothing that is on record: compare each file, enable each service
 */
export async function settlePersistence(store: EntryStore, mend: boolean): Promise<void> {
  const { host } = store;
  const installed = await readInstalled(store);
  const wanted = await wantedPersistence(store);
  const digests = Object.fromEntries(wanted.files.map(({ path, text }) => [path, digestOf(text)]));
  const changed = wanted.files.filter(({ path }) => installed.files[path] !== digests[path]);
  const surplus = installed.services.filter((service) => !wanted.services.includes(service));
  const stale = Object.keys(installed.files).filter((path) => !(path in digests));
  const disabled = wanted.services.filter((service) => !installed.enabled.includes(service));
  const isSettled = [changed, surplus, stale, disabled].every((list) => list.length === 0);
  if (isSettled && (!mend || wanted.services.length === 0)) return;
  await writeInstalled(store, {
    services: [...new Set([...wanted.services, ...installed.services])],
    enabled: installed.enabled.filter((service) => wanted.services.includes(service)),
    files: { ...installed.files, ...Object.fromEntries(changed.map(({ path }) => [path, null])) },
  });
  await sweep(host, [...stale, ...Object.keys(digests)]);
  const manager = await serviceManager(host);
  const isLast = wanted.services.length === 0;
  // What stays first: the service of a daemon must need no loop device any more that is about to go.
  for (const { path, text, mode } of mend ? await differing(host, wanted.files) : changed) {
    await host.write(path, text, mode);
  }
  if (!isLast) await manager.enable(mend ? wanted.services : disabled, store);
  // Those that need others first.
  await manager.disable(surplus.toReversed(), store);
  for (const path of stale) await host.remove(path);
  if (stale.length > 0) await manager.forget(surplus, store, isLast);
  if (isLast) return host.remove(store.persistFolder());
  await writeInstalled(store, { services: wanted.services, enabled: wanted.services, files: digests });
}

async function differing(host: Host, files: readonly PersistFile[]): Promise<PersistFile[]> {
  const there = await Promise.all(files.map(({ path }) => host.read(path).catch(() => undefined)));
  return files.filter(({ text }, index) => there[index]?.toString() !== text);
}

/** Removes what killed commands had half written; there are other people's files in these folders too. */
async function sweep(host: Host, paths: readonly string[]): Promise<void> {
  const names = new Set(paths.map((path) => posix.basename(path)));
  for (const folder of new Set(paths.map((path) => posix.dirname(path)))) {
    for (const name of await host.list(folder)) {
      const isOurs = names.has(name.replace(/^\.(.*)\.[0-9a-f]{12}\.tmp$/, '$1'));
      if (isTemporary(name) && isOurs) await host.remove(posix.join(folder, name));
    }
  }
}

export async function placeOf(host: Host): Promise<Required<Place>> {
  const [{ kind }, initScripts, udev] = await Promise.all([
    serviceManager(host),
    hasInitScripts(host),
    host.stat('/run/udev/control'),
  ]);
  return { manager: kind, initScripts, udev: udev !== undefined };
}

function recordPath(store: EntryStore): string {
  return posix.join(store.persistFolder(), 'installed.json');
}

async function readInstalled(store: EntryStore): Promise<Installed> {
  const text = await store.host.read(recordPath(store)).catch(() => undefined);
  if (text === undefined) return { services: [], enabled: [], files: {} };
  return JSON.parse(text.toString()) as Installed;
}

async function writeInstalled(store: EntryStore, installed: Installed): Promise<void> {
  await store.host.write(recordPath(store), JSON.stringify(installed));
}
