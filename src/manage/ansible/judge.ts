/** What has to be done on a host so that it has what the lab wants, and what stands in the way. No I/O. */
import { isDeepStrictEqual } from 'node:util';
import { digestOf } from '../../base/digest.js';
import { inRange } from '../../make/patch/condition.js';
import { type ExportEntry, exportId, type StateFolder } from '../../serve/exports/entry.js';
import { loopsIn } from '../../serve/exports/loops.js';
import { heirOf, usersOfMade } from '../../serve/exports/made-file.js';
import { loopServiceName, serviceName } from '../../serve/exports/persist/names.js';
import { serviceFiles } from '../../serve/exports/persist/render.js';
import { ofExport, type Service, servicesOf } from '../../serve/exports/persist/services.js';
import type { ServingFields } from '../../serve/exports/plan.js';
import { programName } from '../../serve/exports/program.js';
import { plainName } from '../../serve/storage/backing.js';
import { formatAddress } from '../../wire/aoe/index.js';
import type { Installed, Look } from './look.js';
import { type AnsibleExport, judgeExports, surveyOf, type Wanted } from './wanted.js';

/** A build as the role is told of it. */
export interface BuildFacts {
  /** What a host has to be, as uname(1) says it. */
  machine: string;
  /** The oldest that it runs with. */
  glibc?: string;
  node?: string;
  /** Names. */
  artifacts: string[];
  entry: ServingFields;
}

export interface HostCase {
  lab: string;
  state: StateFolder;
  /** Path of node on the host. */
  node: string;
  exports: readonly AnsibleExport[];
  builds: Readonly<Record<string, BuildFacts>>;
  /** Addresses of all hosts of the inventory. */
  elsewhere: readonly { shelf: number; slot: number }[];
  look: Look;
  /** Names that the host was asked about. */
  names: readonly string[];
  /** What the script that makes files printed; empty before it ran. */
  made: string;
}

export interface FileToWrite {
  path: string;
  mode: number;
  text: string;
}

/** What is to be done, in this order. */
export interface HostPlan {
  troubles: string[];
  warnings: string[];
  /** Names that the host must be asked about as well before anything can be told; then nothing else is. */
  more: string[];
  wanted: Wanted[];
  services: Service[];
  /** Exports of this lab that go. */
  ending: ExportEntry[];
  /** Services: that go; that stop for a while; that begin, or begin again. */
  surplus: string[];
  paused: string[];
  starting: string[];
  restarting: string[];
  /** Exports whose entry differs. */
  making: Wanted[];
  /** Builds that are not there whole. */
  builds: string[];
  writing: FileToWrite[];
  /** Whether there is anything to make. */
  isDue: boolean;
  /** Recorded in the end. */
  installed: Installed;
  /** Recorded before; null: it is as recorded. */
  installing: Installed | null;
  /** Files of ours that nothing needs any more. */
  stale: string[];
  outdated: string[];
  /** Exports whose file goes with them. */
  orphaned: ExportEntry[];
  /** Nothing of aoe-lab stays. */
  isLast: boolean;
}

export function planHost(all: HostCase): HostPlan {
  const { lab, look, exports, state, builds } = all;
  const own = new Map<string, ExportEntry>();
  const others: ExportEntry[] = [];
  for (const entry of look.entries) {
    if (entry.lab?.name === lab) own.set(exportId(entry), entry);
    else others.push(entry);
  }
  const more = namesNeeded(all).filter((name) => !all.names.includes(name));
  const isAsked = more.length === 0;
  const judged = isAsked
    ? judgeExports({
        lab,
        state,
        exports,
        servingOf: (build) => (builds[build] as BuildFacts).entry,
        look,
        own,
        others,
        made: all.made,
      })
    : { wanted: [], troubles: [], warnings: [] };
  const { wanted } = judged;
  const troubles = [...(isAsked ? hostTroubles(all, own, others) : []), ...judged.troubles];
  const entries = wanted.map(({ entry }) => entry).sort((a, b) => (exportId(a) < exportId(b) ? -1 : 1));
  const services = servicesOf(state, entries);
  const names = services.map(({ name }) => name);
  const files = services.flatMap((service) =>
    serviceFiles(state, service, { manager: 'systemd', udev: look.udev }).map((file) => ({
      ...file,
      service: service.name,
    })),
  );
  const digests = Object.fromEntries(files.map(({ path, text }) => [path, digestOf(text)]));
  const writing = files.filter(({ path }) => look.digests.get(path) !== digests[path]);
  const making = wanted.filter(({ entry, before }) => !isDeepStrictEqual(plain(entry), plain(before)));
  const ids = new Set(wanted.map(({ id }) => id));
  const ending = [...own].flatMap(([id, entry]) => (ids.has(id) ? [] : [entry]));
  const detached = wanted.filter((one) => isDetached(look, one)).map(({ entry }) => entry);
  const again = new Set([
    ...[...making.map(({ entry }) => entry), ...detached].flatMap((entry) => servicesFor(services, entry)),
    ...writing.flatMap(({ service }) => service ?? []),
    ...[...look.units].filter(([, unit]) => unit.get('NeedDaemonReload') === 'yes').map(([name]) => name),
  ]);
  const isUp = (name: string): boolean =>
    look.units.get(name)?.get('ActiveState') === 'active' &&
    look.units.get(name)?.get('UnitFileState') === 'enabled';
  const { installed } = look;
  const pausing = [
    ...making.flatMap(({ before }) => (before?.backing.loop ? [loopServiceName(state, before)] : [])),
    ...detached.map((entry) => loopServiceName(state, entry)),
    ...ending
      .filter((entry) => mustLetGo(all, entries, entry))
      .map((one) => serviceName(state, programName(one))),
  ];
  const surplus = installed.services.filter((name) => !names.includes(name));
  const final: Installed = { services: names, enabled: names, files: digests };
  const isInstalled = isDeepStrictEqual(installed, final);
  const restarting = names.filter((name) => again.has(name));
  const starting = names.filter((name) => !isUp(name) && !again.has(name));
  const lacking = Object.entries(builds).filter(([name]) => exports.some(({ build }) => build === name));
  const missing = lacking
    .filter(([build, { artifacts }]) => artifacts.some((one) => !look.artifacts.includes(`${build}/${one}`)))
    .map(([build]) => build);
  const kept = new Set([...others, ...entries].flatMap(({ backing }) => [backing.path, backing.name]));
  const used = new Set([...exports.map(({ build }) => build), ...others.map(({ build }) => build)]);
  const survey = surveyOf(look);
  const leaving = [...ending, ...making.flatMap(({ before }) => before ?? [])]
    .filter(({ backing }) => !kept.has(backing.path) && !kept.has(backing.name))
    .filter((entry) => heirOf(entry, [...others, ...entries]) === undefined)
    .map((entry) => ({ entry, told: usersOfMade(survey, entry).map((user) => keptFor(entry, user)) }));
  const due = [making, writing, starting, restarting, missing].some((list) => list.length > 0);
  return {
    troubles,
    warnings: [...judged.warnings, ...leaving.flatMap(({ told }) => told)],
    more,
    wanted,
    services,
    ending,
    surplus,
    paused: [...new Set(pausing)].filter((name) => installed.services.includes(name) && names.includes(name)),
    starting,
    restarting,
    making,
    builds: missing,
    writing,
    isDue: exports.length > 0 && (due || !isInstalled),
    installed: final,
    installing: isInstalled ? null : recordedBefore(installed, final),
    stale: Object.keys(installed.files).filter((path) => !(path in digests)),
    outdated: look.artifacts
      .filter((name) => name.endsWith('/'))
      .map((name) => name.slice(0, -1))
      .filter((name) => !used.has(name)),
    orphaned: leaving.flatMap(({ entry, told }) => (told.length === 0 ? [entry] : [])),
    isLast: look.there && exports.length === 0 && others.length === 0,
  };
}

function keptFor(entry: ExportEntry, user: string): string {
  return `${exportId(entry)}: ${entry.backing.path}, which it made, is kept: ${user}`;
}

/** What a killed run leaves must be found by the next: what is there, and what is about to be. */
function recordedBefore(is: Installed, final: Installed): Installed {
  const known = new Set(Object.values(is.files));
  const fresh = Object.entries(final.files).filter(([, digest]) => !known.has(digest));
  return {
    services: [...new Set([...final.services, ...is.services])],
    enabled: is.enabled.filter((name) => final.services.includes(name)),
    files: { ...is.files, ...Object.fromEntries(fresh.map(([path]) => [path, null])) },
  };
}

/** All that the lab's exports name, and those of the host that stay. */
function namesNeeded({ lab, exports, look }: Pick<HostCase, 'lab' | 'exports' | 'look'>): string[] {
  const addresses = new Set(exports.map(({ address }) => formatAddress(address)));
  const stay = look.entries.filter((entry) => entry.lab?.name !== lab || addresses.has(formatAddress(entry)));
  const theirs = stay.flatMap(({ backing }) =>
    backing.pinned ? [backing.name] : [backing.name, backing.opens],
  );
  // Files that may go, to see who else has them.
  const made = look.entries.flatMap(({ lab: own, backing }) =>
    own?.name === lab && backing.madeAs !== undefined ? [backing.path] : [],
  );
  return [...new Set([...exports.map(({ file }) => plainName(file)), ...theirs, ...made])];
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

function servicesFor(services: readonly Service[], entry: ExportEntry): string[] {
  return ofExport(services, entry).map(({ name }) => name);
}

/** Its loop device is gone, though nothing else has changed. */
function isDetached({ storage }: Look, { entry, before }: Wanted): boolean {
  const { identity, loop } = entry.backing;
  if (!loop || before?.backing.loop !== true || identity?.kind !== 'file') return false;
  const loops = loopsIn(storage);
  // An old losetup does not tell what is behind them.
  if (loops.some(({ id }) => id === undefined)) return false;
  // Numbers of file systems may be other ones after a reboot.
  return !loops.some(({ id }) => id?.inode === identity.inode);
}

/** A daemon that serves what another host, or another export, takes over must let go of it first. */
function mustLetGo({ elsewhere }: HostCase, entries: readonly ExportEntry[], gone: ExportEntry): boolean {
  if (gone.control.shape !== 'daemon') return false;
  const address = formatAddress(gone);
  return (
    entries.some(({ backing }) => backing.path === gone.backing.path) ||
    elsewhere.some((one) => formatAddress(one) === address)
  );
}

function hostTroubles(
  { look, exports, builds, node }: HostCase,
  own: ReadonlyMap<string, ExportEntry>,
  others: readonly ExportEntry[],
): string[] {
  const troubles: string[] = look.unreadable.map((text) => `an entry can't be read: ${text}`);
  if (!look.isRoot) troubles.push('its user is not root: set ansible_become');
  for (const [id, { persist, control, migration }] of own) {
    if (persist && control.shape !== 'control-file' && migration === undefined) continue;
    troubles.push(`${id} is no export that systemd keeps: aoe-lab unexport ${id} on this host first`);
  }
  for (const entry of others.filter(({ persist }) => persist)) {
    const id = exportId(entry);
    troubles.push(`${id} is kept by systemd, and not of this lab: such a host is for aoe-lab apply`);
  }
  if (!look.systemd) troubles.push('systemd is not what runs this host; aoe-lab apply knows other ways');
  if (!look.free) troubles.push('aoe-lab is at work on this host');
  for (const build of new Set(exports.map((one) => one.build))) {
    const needs = builds[build] as BuildFacts;
    const name = `${needs.entry.implementation} ${needs.entry.release}`;
    const glibc = /^glibc (.*)$/.exec(look.libc)?.[1];
    if (needs.machine !== look.machine) {
      const what = `was built for ${needs.machine}, and this host is a ${look.machine}`;
      troubles.push(`${name} ${what}; aoe-lab apply builds it there`);
    } else if (needs.glibc && (glibc === undefined || !inRange(glibc, `>=${needs.glibc}`))) {
      const has = look.libc || 'another C library';
      troubles.push(
        `${name} needs glibc ${needs.glibc}, and this host has ${has}; aoe-lab apply builds it there`,
      );
    } else if (needs.node && (look.node === undefined || !inRange(look.node, `>=${needs.node}`))) {
      troubles.push(
        `${name} needs Node ${needs.node} as ${node}, and this host has ${look.node ?? 'none'} there`,
      );
    }
  }
  return troubles;
}
