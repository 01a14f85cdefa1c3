/** Where set-ups that others made lie on a host, and how each is read. */
import { posix } from 'node:path';
import { LabError, UnreachableError, UsageError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { parseAoeserver } from './aoeserver.js';
import { parseScript } from './commands.js';
import { type Found, joined, nothingFound, type Remark } from './found.js';
import { readGgaoed } from './ggaoed-host.js';
import { readHomes } from './homes.js';
import { parseKvblade } from './kvblade.js';
import { isPersistTree, readPersistTree } from './persist-tree.js';
import { readProcesses } from './processes.js';
import { parseQaoed } from './qaoed.js';
import { kindOf, namesIn, readEach, readText, within } from './read.js';
import { Variables } from './shell/values.js';
import { readUnits, UNIT_FOLDERS } from './units.js';
import { parseVbladeFile } from './vblade-forms.js';
import { parseVbladeKernel } from './vblade-kernel.js';

export const IMPORTABLE = ['vblade', 'ggaoed', 'qaoed', 'kvblade', 'aoeserver', 'vblade-kernel'] as const;
export type Importable = (typeof IMPORTABLE)[number];

interface Source {
  place: string;
  /** Whose it is. Default: it may be of several. */
  of?: Importable;
  read(host: Host, place: string, remarks: Remark[]): Promise<Found | undefined>;
}

const BOOT_SCRIPTS = [
  '/etc/rc.local',
  '/etc/rc.d/rc.local',
  '/etc/rc.d/boot.local',
  '/etc/init.d/boot.local',
  '/etc/local.d',
];
const VBLADE = [
  '/etc/vblade.conf.d',
  '/etc/vblade.conf',
  '/etc/conf.d/vblade',
  '/etc/config/vblade',
  '/var/lib/vblade-persist/vblades',
];

/** What a host may hold, in the order it is read: of two that say the same the first is named. */
const SOURCES: readonly Source[] = [
  ...VBLADE.map((place) => ({ place, of: 'vblade' as const, read: readVblade })),
  { place: '/etc/ggaoed.conf', of: 'ggaoed', read: readGgaoed },
  { place: '/etc/qaoed.conf', of: 'qaoed', read: readQaoed },
  { place: UNIT_FOLDERS[0] as string, read: (host) => readUnits(host) },
  ...BOOT_SCRIPTS.map((place) => ({ place, read: readScripts })),
  { place: '/sys/kvblade', of: 'kvblade', read: readKvblade },
  { place: '/proc/aoeserver', of: 'aoeserver', read: readAoeserver },
  { place: '/sys/vblade', of: 'vblade-kernel', read: readVbladeKernel },
  { place: '/proc', of: 'vblade', read: (host) => readProcesses(host) },
];

/** Places where something is looked for. */
export const PLACES: readonly string[] = SOURCES.map(({ place }) => place);

const BY_NAME: Readonly<Record<Importable, Source['read']>> = {
  vblade: readVblade,
  ggaoed: readGgaoed,
  qaoed: readQaoed,
  kvblade: (host, place, remarks) => live(host, place, remarks, readKvblade),
  aoeserver: async (host, place, remarks) => {
    const text = await readText(host, place, remarks);
    if (text === undefined) return nothingFound();
    return /^#<device>/.test(text) ? parseAoeserver(place, text) : script(host, place, text);
  },
  'vblade-kernel': (host, place, remarks) => live(host, place, remarks, readVbladeKernel),
};

/**
 * Reads what there is.
 * @param from only what is that target's @param path its file or folder, where it is not the usual one
 * @returns besides, the places that held something, or were named
 */
export async function readSetups(
  host: Host,
  from?: Importable,
  path?: string,
): Promise<Found & { read: string[] }> {
  if (path !== undefined && from === undefined) return readSetups(host, await kindAt(host, path), path);
  const usual = SOURCES.filter(({ of = from }) => from === undefined || of === from);
  const sources: readonly Source[] =
    path === undefined || from === undefined ? usual : [{ place: path, read: BY_NAME[from] }];
  const read: string[] = [];
  const all: Found[] = [];
  for (const source of sources) {
    const remarks: Remark[] = [];
    const kind = await kindOf(host, source.place, remarks);
    const found = kind === undefined ? undefined : await tolerant(source, host, remarks);
    const some = joined([{ ...nothingFound(), remarks }, ...(found === undefined ? [] : [found])]);
    all.push(some);
    const isSomething = some.exports.length + some.leftOut.length + some.remarks.length > 0;
    if (isSomething || (kind !== undefined && path !== undefined)) read.push(source.place);
  }
  const { exports, leftOut, remarks } = joined(all);
  const isAsked = (one: { implementation: string }): boolean =>
    from === undefined || one.implementation === from;
  return { exports: exports.filter(isAsked), leftOut: leftOut.filter(isAsked), remarks, read };
}

/**
 * Whose a file or folder is: the only target that exports something by it.
 * @throws UsageError if it is of none, or of several
 */
async function kindAt(host: Host, path: string): Promise<Importable> {
  if ((await kindOf(host, path, [])) === undefined) {
    throw new UsageError({
      tried: `importing ${path}`,
      happened: 'there is nothing',
      next: 'check the name',
    });
  }
  const sure: Importable[] = [];
  const doubtful: Importable[] = [];
  for (const name of IMPORTABLE) {
    const some = await tolerant({ place: path, read: BY_NAME[name] }, host, []);
    const isOf = ({ implementation }: { implementation: string }): boolean => implementation === name;
    if (some?.exports.some(isOf)) sure.push(name);
    else if (some?.leftOut.some(isOf)) doubtful.push(name);
  }
  // What is read in another's language makes no whole export.
  const found = sure.length > 0 ? sure : doubtful;
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new UsageError({
    tried: `importing ${path}`,
    happened:
      only === undefined
        ? `it exports nothing that is known of ${IMPORTABLE.join(', ')}`
        : `it exports something by ${found.join(' and ')}`,
    next: `name the target: ${(only === undefined ? IMPORTABLE : found).map((one) => `--from ${one}`).join(', ')}`,
  });
}

/** A source that can't be asked holds up no other. */
async function tolerant({ place, read }: Source, host: Host, remarks: Remark[]): Promise<Found | undefined> {
  try {
    return await read(host, place, remarks);
  } catch (error) {
    if (!(error instanceof LabError) || error instanceof UnreachableError) throw error;
    remarks.push({ file: place, text: `it can't be read: ${error.facts.happened}` });
    return undefined;
  }
}

async function readVblade(host: Host, path: string, remarks: Remark[]): Promise<Found> {
  const homes = await readHomes(host);
  const parse = (file: string, text: string): Found => parseVbladeFile(file, text, homes);
  if ((await kindOf(host, path, remarks)) !== 'folder') return joined(await readEach(host, [path], parse));
  const names = await namesIn(host, path, remarks);
  if (isPersistTree(names)) return readPersistTree(host, path, names);
  const files = [...within(path, names, '.conf'), ...within(path, names, '.service')];
  return joined(await readEach(host, files.sort(), parse));
}

async function readQaoed(host: Host, path: string): Promise<Found> {
  return joined(await readEach(host, [path], parseQaoed));
}

async function readScripts(host: Host, path: string, remarks: Remark[]): Promise<Found> {
  const isFolder = (await kindOf(host, path, remarks)) === 'folder';
  const files = isFolder ? within(path, await namesIn(host, path, remarks), '.start') : [path];
  const homes = await readHomes(host);
  return joined(
    await readEach(host, files, (file, text) =>
      parseScript({ file, facts: { persist: true } }, text, new Variables(homes)),
    ),
  );
}

async function script(host: Host, file: string, text: string): Promise<Found> {
  return parseScript({ file, facts: { persist: true } }, text, new Variables(await readHomes(host)));
}

/** The kernel's own folder, or a script that writes to it. */
async function live(
  host: Host,
  place: string,
  remarks: Remark[],
  read: Source['read'],
): Promise<Found | undefined> {
  return (await kindOf(host, place, remarks)) === 'folder'
    ? read(host, place, remarks)
    : readScripts(host, place, remarks);
}

async function readKvblade(host: Host, folder: string, remarks: Remark[]): Promise<Found> {
  const names = (await namesIn(host, folder, remarks)).filter((name) => name.includes('@'));
  const devices = names.map(async (name) => ({
    name,
    bpath: (await readText(host, posix.join(folder, name, 'bpath'), remarks)) ?? '',
  }));
  return parseKvblade(folder, await Promise.all(devices));
}

async function readAoeserver(host: Host, file: string): Promise<Found> {
  return joined(await readEach(host, [file], parseAoeserver));
}

async function readVbladeKernel(host: Host, folder: string, remarks: Remark[]): Promise<Found> {
  const names = (await namesIn(host, folder, remarks)).filter((name) => name !== 'drives');
  const drives = (await readText(host, posix.join(folder, 'drives'), remarks)) ?? '';
  const folders = await Promise.all(
    names.map(async (name) => ({
      name,
      ports: (await readText(host, posix.join(folder, name, 'ports'), remarks)) ?? '',
    })),
  );
  return parseVbladeKernel(folder, drives, folders);
}
