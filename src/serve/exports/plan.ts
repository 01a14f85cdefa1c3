import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../base/errors.js';
import { packageRoot } from '../../base/files/paths.js';
import type { Host } from '../../hosts/host/host.js';
import { listInterfaces } from '../../hosts/host/interface.js';
import { preparedLinks } from '../../hosts/prepare/links.js';
import { allows } from '../../make/recipe/allows.js';
import type { Backing } from '../storage/backing.js';
import { makingName } from '../storage/files.js';
import type { Finding } from '../storage/findings.js';
import { attachCommand, listLoops } from '../storage/loop.js';
import { requireDirectIo, requireDirectLoops } from './direct-io.js';
import { diskLink } from './disk-link.js';
import type { Preview } from './driver.js';
import { driverFor } from './drivers.js';
import { EntryStore, type ExportEntry, exportId, type StateFolder } from './entry.js';
import { requireCarrier, requireExportable } from './export-interface.js';
import { loopOptions } from './loops.js';
import { refuseFleeting } from './persist/fleeting.js';
import { previewPersistence } from './persist/preview.js';
import { keptPath } from './persist/services.js';
import { requireFree } from './rivals.js';
import { tellRoom } from './room.js';
import { serialOf } from './serial.js';
import type { Served } from './served.js';
import { isAllowed, judgeExport, type StorageSurvey, surveyFor } from './suitability.js';
import { checkWish, type ExportWish, withDefaults } from './wish.js';

export interface ExportPlan {
  /** In phase `wish`. */
  entry: ExportEntry;
  backing: Backing;
  /** What spoke against it, and was overridden. */
  overridden: Finding[];
  /** What the user should know. */
  warnings: string[];
  /** Of the host. */
  machineId: string;
}

/**
 * Decides how a wish is to be met; changes nothing.
 * @param survey of the host; asked for where it is not given
 * @throws UsageError if the address is taken, the target lacks an option, or the file can't be exported
 */
export async function planExport(
  store: EntryStore,
  served: Served,
  wish: ExportWish,
  survey?: StorageSurvey,
): Promise<ExportPlan> {
  checkWish(served.implementation, served.release, served.control, wish);
  const entries = await store.all();
  refuseTaken(entries, wish);
  const asked = survey ?? (await surveyFor(store, [wish.path]));
  const { backing, overridden, ...judged } = judgeExport(asked, entries, served, wish);
  const warnings = [...judged.warnings, ...tellRoom(asked.snapshot, entries, wish, backing)];
  if (wish.options.directIo) await requireDirectIo(store.host, served.control, backing, asked);
  if (wish.persist) await refuseFleeting(store, served.control, backing.path);
  const entry = await composeEntry(store, served, wish, backing);
  if (entry.backing.loop && wish.options.directIo) await requireDirectLoops(store.host, backing.name);
  if (entry.backing.identity !== null) entry.serial = serialOf(asked.snapshot.machineId, entry);
  refuseUnspeakable(served, entry);
  return { entry, backing, overridden, warnings, machineId: asked.snapshot.machineId };
}

export type ExportPreview = Preview & Pick<ExportPlan, 'overridden' | 'warnings'>;

/** The commands and files of an export that would be made, as a person would type them; changes nothing. */
export async function previewExport(host: Host, served: Served, wish: ExportWish): Promise<ExportPreview> {
  const store = await EntryStore.open(host);
  const place = host.inNamespace(wish.netns);
  const interfaces = await listInterfaces(place);
  const iface = requireExportable(place, interfaces, wish.iface);
  requireCarrier(place, interfaces, iface);
  const { entry, backing, overridden, warnings } = await planExport(store, served, {
    ...wish,
    iface: iface.name,
  });
  if (!isAllowed('address', wish.allow)) await requireFree(store, entry, iface);
  const { path, opens, loop } = entry.backing;
  if (entry.persist) {
    const { commands, files } = await driverFor(store, entry).preview(entry, keptPath(store, entry));
    const kept = await previewPersistence(store, entry);
    return {
      commands: [...(backing.absent ? [makeCommand(backing)] : []), ...kept.commands, ...commands],
      files: [
        ...kept.files,
        ...files.filter((file) => kept.files.every((other) => other.path !== file.path)),
      ],
      overridden,
      warnings,
    };
  }
  const { commands, files } = await driverFor(store, entry).preview(entry, loop ? '/dev/loopN' : opens);
  const enter = wish.netns === undefined ? [] : ['ip', 'netns', 'exec', wish.netns];
  return {
    commands: [
      ...(backing.absent ? [makeCommand(backing)] : []),
      ...(loop ? [attachCommand(path, loopOptions(entry))] : []),
      ...commands.map((command) => [...enter, ...command]),
    ],
    files,
    overridden,
    warnings,
  };
}

/** The command that makes a sparse file, as a person would type it. */
function makeCommand({ size, path }: Backing): string[] {
  return ['truncate', '--size', String(size), path];
}

async function composeEntry(
  store: EntryStore,
  served: Served,
  wish: ExportWish,
  backing: Backing,
): Promise<ExportEntry> {
  const { host } = store;
  const links = wish.persist ? await preparedLinks(host, wish.iface) : [];
  const entry = {
    ...entryFor(store, await servingFields(served), wish, backing, (await host.facts()).bootId),
    ...(links.length > 0 ? { links } : {}),
  };
  if (!entry.backing.loop || backing.absent) return entry;
  const loopsBefore = (await listLoops(host, backing.path)).map(({ device }) => device);
  return { ...entry, backing: { ...entry.backing, loopsBefore } };
}

/** The entry of an export that is to be made, but for what must be asked of its host: loop devices there already, what was done to its interface; no I/O. */
export function entryFor(
  state: StateFolder,
  serving: ServingFields,
  wish: ExportWish,
  backing: Backing,
  bootId: string,
): ExportEntry {
  const { name, path, kind, size, identity, absent, opens, links, exposed, closed } = backing;
  const loop = kind === 'file' && (serving.control.backing === 'device' || (wish.loop ?? false));
  return {
    format: 1,
    phase: 'wish',
    shelf: wish.shelf,
    slot: wish.slot,
    iface: wish.iface,
    ...(wish.netns === undefined ? {} : { netns: wish.netns }),
    backing: {
      name,
      path,
      opens: opens ?? diskLink(state, exportId(wish)),
      ...(opens === undefined ? { pinned: true } : {}),
      kind,
      size,
      links,
      ...(exposed ? { exposed } : {}),
      closed,
      identity: identity ?? null,
      made: absent || wish.made !== undefined,
      ...(wish.made === undefined || absent ? {} : { madeAs: wish.made }),
      ...(absent ? { making: makingName(path) } : {}),
      loop,
      loopsBefore: [],
    },
    options: withDefaults(wish.options, serving.control),
    ...(wish.restart === undefined ? {} : { restart: wish.restart }),
    ...(wish.lab === undefined ? {} : { lab: { name: wish.lab, file: wish.path } }),
    ...(wish.trial === undefined ? {} : { trial: wish.trial }),
    ...(wish.persist ? { persist: true } : {}),
    ...serving,
    since: new Date().toISOString(),
    bootId,
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
    happened: `${taken.implementation} ${taken.release} has exported ${taken.backing.name} there since ${taken.since}`,
    next: [`aoe-lab unexport ${id}`, 'or take another shelf or slot'],
  });
}

/** Old configuration languages have no way to quote. */
export function refuseUnspeakable(
  { control, implementation, release }: Pick<Served, 'control' | 'implementation' | 'release'>,
  { backing }: ExportEntry,
): void {
  if (backing.loop || allows(control.path, backing.opens)) return;
  throw new UsageError({
    tried: `exporting ${backing.name}`,
    happened: `${implementation} ${release} can't take the path ${backing.opens}: its configuration allows ${control.path}`,
    next:
      backing.kind === 'file'
        ? ['give --loop: it then gets a loop device', 'or move the file to a plainer path']
        : 'name the device by a plainer path',
  });
}
