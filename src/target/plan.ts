import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors.js';
import type { Host } from '../host/host.js';
import { packageRoot } from '../paths.js';
import type { Control } from '../recipe/schema.js';
import { type Backing, inspectBacking, makeCommand, objections } from '../storage/backing.js';
import { attachCommand, listLoops } from '../storage/loop.js';
import { driverFor, type Preview } from './driver.js';
import { EntryStore, type ExportEntry, exportId } from './entry.js';
import { requireExportInterface } from './export-interface.js';
import { loopOptions } from './loops.js';
import { refuseFleeting } from './persist/fleeting.js';
import { previewPersistence } from './persist/preview.js';
import { keptPath } from './persist/services.js';
import { requireFree } from './rivals.js';
import { checkWish, type ExportWish } from './wish.js';

/** What is to serve the export: a build and the way to drive it. */
export interface Served {
  implementation: string;
  release: string;
  control: Control;
  /** Digest that names the build. */
  build: string;
  /** Files on this machine. */
  artifacts: { name: string; path: string }[];
  /** Path of node on a host that a target of this package goes to. */
  node?: string;
}

export interface ExportPlan {
  /** In phase `wish`. */
  entry: ExportEntry;
  backing: Backing;
}

/**
 * Decides how a wish is to be met; changes nothing.
 * @throws UsageError if the address is taken, the target lacks an option, or the file can't be meant
 */
export async function planExport(store: EntryStore, served: Served, wish: ExportWish): Promise<ExportPlan> {
  checkWish(served.implementation, served.release, served.control, wish);
  const entries = await store.all();
  refuseTaken(entries, wish);
  const backing = await inspectBacking(store.host, wish.path, wish.size);
  refuseUnspeakable(served, wish, backing);
  await refuseUnsafe(store.host, entries, backing, wish);
  if (wish.persist) await refuseFleeting(store, served.control, backing.path);
  return { entry: await composeEntry(store.host, served, wish, backing), backing };
}

/** The commands and files of an export that would be made, as a person would type them; changes nothing. */
export async function previewExport(host: Host, served: Served, wish: ExportWish): Promise<Preview> {
  const store = await EntryStore.open(host);
  const iface = await requireExportInterface(host.inNamespace(wish.netns), wish.iface);
  const { entry, backing } = await planExport(store, served, { ...wish, iface: iface.name });
  if (!wish.force) await requireFree(store, entry, iface);
  const { path, loop } = entry.backing;
  if (entry.persist) {
    const { commands, files } = await driverFor(store, entry).preview(entry, keptPath(store, entry));
    const kept = await previewPersistence(store, entry);
    return {
      commands: [...(backing.absent ? [makeCommand(backing)] : []), ...kept.commands, ...commands],
      files: [
        ...kept.files,
        ...files.filter((file) => kept.files.every((other) => other.path !== file.path)),
      ],
    };
  }
  const { commands, files } = await driverFor(store, entry).preview(entry, loop ? '/dev/loopN' : path);
  const place = wish.netns === undefined ? [] : ['ip', 'netns', 'exec', wish.netns];
  return {
    commands: [
      ...(backing.absent ? [makeCommand(backing)] : []),
      ...(loop ? [attachCommand(path, loopOptions(entry))] : []),
      ...commands.map((command) => [...place, ...command]),
    ],
    files,
  };
}

async function composeEntry(
  host: Host,
  served: Served,
  wish: ExportWish,
  backing: Backing,
): Promise<ExportEntry> {
  const { control } = served;
  const loop = backing.kind === 'file' && (control.backing === 'device' || (wish.loop ?? false));
  const loopsBefore = loop && !backing.absent ? await listLoops(host, backing.path) : [];
  return {
    format: 1,
    phase: 'wish',
    shelf: wish.shelf,
    slot: wish.slot,
    iface: wish.iface,
    ...(wish.netns === undefined ? {} : { netns: wish.netns }),
    backing: {
      path: backing.path,
      kind: backing.kind,
      size: backing.size,
      made: backing.absent || (wish.made ?? false),
      loop,
      loopsBefore: loopsBefore.map(({ device }) => device),
    },
    options: wish.options,
    ...(wish.restart === undefined ? {} : { restart: wish.restart }),
    ...(wish.lab === undefined ? {} : { lab: { name: wish.lab, file: wish.path } }),
    ...(wish.trial === undefined ? {} : { trial: wish.trial }),
    ...(wish.persist ? { persist: true } : {}),
    ...(await servingFields(served)),
    since: new Date().toISOString(),
    bootId: (await host.facts()).bootId,
  };
}

export type ServingFields = Pick<
  ExportEntry,
  'implementation' | 'release' | 'build' | 'artifacts' | 'node' | 'control' | 'template'
>;

/** What an entry says of the target that serves it. */
export async function servingFields(served: Served): Promise<ServingFields> {
  const { implementation, release, control, build, artifacts, node } = served;
  return {
    implementation,
    release,
    build,
    artifacts: artifacts.map(({ name }) => name),
    ...(node === undefined ? {} : { node }),
    control,
    ...(control.shape === 'daemon'
      ? { template: await readFile(join(packageRoot, 'templates', control.config.template), 'utf8') }
      : {}),
  };
}

function refuseTaken(entries: readonly ExportEntry[], wish: ExportWish): void {
  const id = exportId(wish);
  const taken = entries.find((entry) => exportId(entry) === id);
  if (taken === undefined) return;
  throw new UsageError({
    tried: `exporting ${id}`,
    happened: `${taken.implementation} ${taken.release} has exported ${taken.backing.path} there since ${taken.since}`,
    next: [`aoe-lab unexport ${id}`, 'or take another shelf or slot'],
  });
}

/** Old configuration languages have no way to quote. */
function refuseUnspeakable(
  { control, implementation, release }: Served,
  wish: ExportWish,
  backing: Backing,
): void {
  if (control.path === undefined || wish.loop) return;
  if (new RegExp(control.path).test(backing.path)) return;
  throw new UsageError({
    tried: `exporting ${backing.path}`,
    happened: `${implementation} ${release} can't take this path: its configuration allows ${control.path}`,
    next: ['give --loop: it then gets a loop device', 'or move the file to a plainer path'],
  });
}

async function refuseUnsafe(
  host: Host,
  entries: readonly ExportEntry[],
  backing: Backing,
  wish: ExportWish,
): Promise<void> {
  if (wish.force) return;
  const readers = (entry: ExportEntry) => entry.options.readOnly && wish.options.readOnly;
  const sharing = entries.filter((entry) => entry.backing.path === backing.path);
  const reasons = sharing
    .filter((entry) => !readers(entry))
    .map((entry) => `it is exported as ${exportId(entry)}`);
  if (sharing.length === 0) reasons.push(...(await objections(host, backing)));
  if (reasons.length === 0) return;
  throw new UsageError({
    tried: `exporting ${backing.path}`,
    happened: reasons.join('\n'),
    next: ['release it first', '--force exports it all the same: two writers destroy a file system'],
  });
}
