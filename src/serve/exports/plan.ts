import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../base/errors.js';
import { packageRoot } from '../../base/files/paths.js';
import type { Host } from '../../hosts/host/host.js';
import { listInterfaces } from '../../hosts/host/interface.js';
import { renameCommand } from '../../hosts/host/interface-objection.js';
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
import { checkSpec, type ExportSpec, withDefaults } from './spec.js';
import { isAllowed, judgeExport, type StorageSurvey, surveyFor } from './suitability.js';

export interface ExportPlan {
  /** In phase `starting`. */
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
 * Decides how a spec is to be met; changes nothing.
 * @param survey of the host; asked for where it is not given
 * @throws UsageError if the address is taken, the target lacks an option, or the file can't be exported
 */
export async function planExport(
  store: EntryStore,
  served: Served,
  spec: ExportSpec,
  survey?: StorageSurvey,
): Promise<ExportPlan> {
  checkSpec(served.implementation, served.release, served.control, spec);
  const entries = await store.all();
  refuseTaken(entries, spec);
  const asked = survey ?? (await surveyFor(store, [spec.path]));
  const { backing, overridden, ...judged } = judgeExport(asked, entries, served, spec);
  const warnings = [...judged.warnings, ...tellRoom(asked.snapshot, entries, spec, backing)];
  if (spec.options.directIo) await requireDirectIo(store.host, served.control, backing, asked);
  if (spec.persist) await refuseFleeting(store, served.control, backing.path);
  const entry = await composeEntry(store, served, spec, backing);
  if (entry.backing.loop && spec.options.directIo) await requireDirectLoops(store.host, backing.name);
  if (entry.backing.identity !== null) entry.serial = serialOf(asked.snapshot.machineId, entry);
  refuseUnspeakable(served, entry);
  return { entry, backing, overridden, warnings, machineId: asked.snapshot.machineId };
}

export type ExportPreview = Preview & Pick<ExportPlan, 'overridden' | 'warnings'>;

/** The commands and files of an export that would be made, as a person would type them; changes nothing. */
export async function previewExport(host: Host, served: Served, spec: ExportSpec): Promise<ExportPreview> {
  const store = await EntryStore.open(host);
  const place = host.inNamespace(spec.netns);
  const interfaces = await listInterfaces(place);
  const iface = requireExportable(place, interfaces, spec.iface);
  requireCarrier(place, interfaces, iface);
  const { entry, backing, overridden, warnings } = await planExport(store, served, {
    ...spec,
    iface: iface.name,
  });
  if (!isAllowed('address', spec.allow)) await requireFree(store, entry, iface);
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
  const enter = spec.netns === undefined ? [] : ['ip', 'netns', 'exec', spec.netns];
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
  spec: ExportSpec,
  backing: Backing,
): Promise<ExportEntry> {
  const { host } = store;
  const links = spec.persist ? await preparedLinks(host, spec.iface) : [];
  const entry = {
    ...entryFor(store, await servingFields(served), spec, backing, (await host.facts()).bootId),
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
  spec: ExportSpec,
  backing: Backing,
  bootId: string,
): ExportEntry {
  const { name, path, kind, size, identity, absent, opens, links, exposed, closed } = backing;
  const loop = kind === 'file' && (serving.control.backing === 'device' || (spec.loop ?? false));
  return {
    format: 1,
    phase: 'starting',
    shelf: spec.shelf,
    slot: spec.slot,
    iface: spec.iface,
    ...(spec.netns === undefined ? {} : { netns: spec.netns }),
    backing: {
      name,
      path,
      opens: opens ?? diskLink(state, exportId(spec)),
      ...(opens === undefined ? { pinned: true } : {}),
      kind,
      size,
      links,
      ...(exposed ? { exposed } : {}),
      closed,
      identity: identity ?? null,
      made: absent || spec.made !== undefined,
      ...(spec.made === undefined || absent ? {} : { madeAs: spec.made }),
      ...(absent ? { making: makingName(path) } : {}),
      loop,
      loopsBefore: [],
    },
    options: withDefaults(spec.options, serving.control),
    ...(spec.restart === undefined ? {} : { restart: spec.restart }),
    ...(spec.lab === undefined ? {} : { lab: { name: spec.lab, file: spec.path } }),
    ...(spec.trial === undefined ? {} : { trial: spec.trial }),
    ...((spec.keepLog ?? true) ? {} : { keepLog: false }),
    ...(spec.persist ? { persist: true } : {}),
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

function refuseTaken(entries: readonly ExportEntry[], spec: ExportSpec): void {
  const id = exportId(spec);
  const taken = entries.find((entry) => exportId(entry) === id);
  if (taken === undefined) return;
  throw new UsageError({
    tried: `exporting ${id}`,
    happened: `${taken.implementation} ${taken.release} has exported ${taken.backing.name} there since ${taken.since}`,
    next: [`aoe-lab unexport ${id}`, 'or take another shelf or slot'],
  });
}

/**
 * Old configuration languages have no way to quote.
 * @param entry with the real name of its interface
 * @throws UsageError for a name that its target can't be told
 */
export function refuseUnspeakable(
  { control, implementation, release }: Pick<Served, 'control' | 'implementation' | 'release'>,
  entry: Pick<ExportEntry, 'shelf' | 'slot' | 'iface' | 'backing'>,
): void {
  const { iface, backing } = entry;
  if (!allows(control.iface, iface)) {
    throw new UsageError({
      tried: `exporting e${entry.shelf}.${entry.slot} by ${implementation} ${release}`,
      happened: `it can't be told the name of the interface ${iface}: it allows ${control.iface}`,
      next: `rename it: ${renameCommand(iface)}`,
    });
  }
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
