/** What the exports of a host are to be, from what the host says: judged as `plan` and `export` do. No I/O. */
import { LabError } from '../../base/errors.js';
import { meaningOf, strayLink, whereabouts } from '../../serve/exports/backing-now.js';
import { judgeDirectIo } from '../../serve/exports/direct-io.js';
import { type ExportEntry, exportId, type StateFolder } from '../../serve/exports/entry.js';
import { kernelNames, loopsIn, notedLoops } from '../../serve/exports/loops.js';
import { servesMade } from '../../serve/exports/made-file.js';
import { fleetingFaults } from '../../serve/exports/persist/fleeting.js';
import { entryFor, refuseUnspeakable, type ServingFields } from '../../serve/exports/plan.js';
import { serialOf } from '../../serve/exports/serial.js';
import type { ExportSpec } from '../../serve/exports/spec.js';
import { type StorageSurvey, withAllowed } from '../../serve/exports/suitability.js';
import { plainName } from '../../serve/storage/backing.js';
import { parseMade } from '../../serve/storage/files.js';
import { identityOf, isSame, stableName, whereIs } from '../../serve/storage/identity.js';
import { sameFile } from '../../serve/storage/snapshot.js';
import type { LabExport } from '../lab/lab.js';
import { type HostPlace, placeTrouble, realName } from '../lab/places.js';
import { judgeMaking } from '../lab/readiness.js';
import { specOf } from '../lab/spec.js';
import type { Look } from './look.js';

/** An export as the role is told of it. */
export type AnsibleExport = LabExport & { build: string };

export interface Wanted {
  id: string;
  /** As it is when all is done. */
  entry: ExportEntry;
  /** What the host has under its id, of this lab. */
  before: ExportEntry | undefined;
  /** Of a file that is to be made: the name that it has until it is whole. */
  making?: string;
}

export interface Judged {
  wanted: Wanted[];
  troubles: string[];
  warnings: string[];
}

export interface Case {
  lab: string;
  state: StateFolder;
  exports: readonly AnsibleExport[];
  servingOf: (build: string) => ServingFields;
  look: Look;
  /** Exports of the host that are this lab's, by id; and the others. */
  own: ReadonlyMap<string, ExportEntry>;
  others: readonly ExportEntry[];
  /** What the script that makes files printed: a line a file, `ID NAME made …`. */
  made: string;
}

/** One export on its way. */
interface Item {
  one: AnsibleExport;
  id: string;
  spec: ExportSpec;
  before: ExportEntry | undefined;
}

export function judgeExports(all: Case): Judged {
  const { exports, look, own, others, lab } = all;
  const places: HostPlace[] = [{ netns: undefined, interfaces: look.interfaces, foreign: [] }];
  const items = exports.map((called): Item => {
    const one = { ...called, iface: realName(places, undefined, called.iface) };
    const id = exportId({ ...one.address, iface: one.iface });
    return { one, id, spec: specOf({ name: lab }, one), before: own.get(id) };
  });
  const found = new Map<Item, Wanted>();
  const failed = new Set<Item>();
  const judged: Judged = { wanted: [], troubles: [], warnings: [] };
  const fail = (item: Item, text: string): void => {
    failed.add(item);
    judged.troubles.push(`${item.id}: ${text}`);
  };
  const attempt = (item: Item, make: () => Wanted | undefined): void => {
    try {
      const wanted = make();
      if (wanted !== undefined) found.set(item, wanted);
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      const { happened, next = [] } = error.facts;
      const steps = typeof next === 'string' ? [next] : next;
      fail(item, [`${item.one.file}: ${happened}`, ...steps].join('; '));
    }
  };
  for (const item of items) {
    const trouble = placeTrouble(places, item.one, item.before === undefined);
    if (trouble !== undefined)
      fail(item, [trouble.happened, ...(trouble.next ? [trouble.next] : [])].join('; '));
    else if (others.some((entry) => exportId(entry) === item.id)) {
      const next = `aoe-lab unexport ${item.id} on this host, or take another address`;
      fail(item, `it is exported already, and not for this lab; ${next}`);
    } else attempt(item, () => unchanged(all, item));
  }
  const stays = [...others, ...[...found.values()].map(({ entry }) => entry)];
  for (const item of items.filter((one) => !found.has(one) && !failed.has(one))) {
    attempt(item, () => {
      const { wanted, warnings } = changed(all, item, stays);
      stays.push(wanted.entry);
      judged.warnings.push(...warnings.map((text) => `${item.id}: ${text}`));
      return wanted;
    });
  }
  judged.wanted = items.flatMap((item) => found.get(item) ?? []);
  return judged;
}

/**
 * The entry of an export that is as the lab has it, with what its name means now; undefined where there is none such.
 * @throws LabError where the name means something else than in the run before
 */
function unchanged(all: Case, item: Item): Wanted | undefined {
  const { before, id } = item;
  const kept = before && keptEntry(all, item, before);
  if (before === undefined || kept === undefined || !isServedAlike(kept, before)) return undefined;
  const { size } = item.spec;
  // One that has grown or shrunk is judged as a new one is.
  if (kept.backing.size !== before.backing.size || (size !== undefined && size !== kept.backing.size)) {
    return undefined;
  }
  return { id, entry: kept, before };
}

/** @returns undefined where the name is another one, or nothing is known of what it was */
function keptEntry(all: Case, { one, spec, id }: Item, before: ExportEntry): ExportEntry | undefined {
  const { look, state } = all;
  const { backing } = before;
  const { identity, name, opens, pinned, links, exposed = false, closed = true } = backing;
  if (name !== plainName(one.file) || identity === null) return undefined;
  const now = meaningOf(look.storage, before);
  // A killed run may not have come to give it its name.
  if (now === undefined && backing.making !== undefined) return undefined;
  const where = whereabouts(look.storage, before);
  const refuse = (happened: string, next: string): never => {
    throw new LabError({ tried: `looking at ${id}`, happened, next });
  };
  const unexport = `or end the export (aoe-lab unexport ${id} on this host), and run again`;
  const stray = strayLink(look.storage, before);
  if (stray !== undefined) refuse(stray, unexport);
  if (now === undefined) return refuse(`it is gone${where}`, `bring it back; ${unexport}`);
  if (!now.isSame) {
    const [what, was] = now.kind === 'device' ? ['another disk', 'disk'] : ['another file', 'file'];
    refuse(
      `it is ${what} than the ${was} that was exported${where}`,
      `${stableAdvice(all, before)}${unexport}`,
    );
  }
  if (now.kind === 'device' && now.size === 0) refuse('it has no medium', 'put it in');
  if (now.kind === 'device' && !pinned && opens !== name) {
    const facts = look.storage.names.get(opens);
    const other = facts && identityOf(look.storage, facts);
    if (other === undefined || !isSame(identity, other)) {
      refuse(`${opens}, by which it is served, does not mean that disk any more`, unexport);
    }
  }
  const drafted = entryFor(
    state,
    all.servingOf(one.build),
    spec,
    {
      ...now,
      name,
      opens: pinned ? undefined : opens,
      moving: false,
      absent: false,
      links: links ?? 'none',
      exposed,
      closed,
    },
    before.bootId,
  );
  const { making: _, ...rest } = backing;
  return {
    ...drafted,
    phase: 'running',
    since: before.since,
    // What the lab does not say is as it was made, or as `access` left it.
    options: { ...spec.options, ...lockOf(spec.options.lockAccess ?? before.options.lockAccess) },
    ...(before.accessCleared === undefined ? {} : { accessCleared: before.accessCleared }),
    ...(before.allowed === undefined ? {} : { allowed: before.allowed }),
    ...(before.serial === undefined ? {} : { serial: before.serial }),
    ...(before.started === undefined ? {} : { started: before.started }),
    backing: {
      ...rest,
      loop: drafted.backing.loop,
      size: now.size,
      // Numbers of disks change at a boot.
      path: now.kind === 'device' ? backing.path : now.path,
    },
  };
}

function lockOf(lockAccess: boolean | undefined): Pick<ExportEntry['options'], 'lockAccess'> {
  return lockAccess === undefined ? {} : { lockAccess };
}

/** What to name in the lab where the disk that was exported has a name that stays. */
function stableAdvice({ look: { storage } }: Case, { backing: { identity } }: ExportEntry): string {
  const block = identity?.kind === 'device' ? whereIs(storage, identity) : undefined;
  const stable = block && stableName(storage, block);
  return stable === undefined ? '' : `name ${stable} in the lab, which stays with that disk; `;
}

/** Whether two entries differ in nothing but what a run of the role finds out anew. */
function isServedAlike(a: ExportEntry, b: ExportEntry): boolean {
  const told = ({ implementation, release, build, options, restart, persist, backing, lab }: ExportEntry) =>
    JSON.stringify([
      implementation,
      release,
      build,
      Object.entries(options).sort(),
      restart,
      persist,
      lab,
      backing.loop,
    ]);
  return told(a) === told(b);
}

/** What a host says of its storage, as `export` has it. */
export function surveyOf({ storage, processes, entries, bootId }: Look): StorageSurvey {
  const attached = loopsIn(storage);
  return {
    snapshot: storage,
    cwd: '/',
    ours: new Set([...processes.values()].flat()),
    ourLoops: kernelNames(entries.flatMap((entry) => notedLoops(entry, bootId, attached))),
  };
}

/** @throws LabError as `export` would */
function changed(
  all: Case,
  { one, id, spec, before }: Item,
  stays: readonly ExportEntry[],
): { wanted: Wanted; warnings: string[] } {
  const { look, state, own } = all;
  const { storage } = look;
  const serving = all.servingOf(one.build);
  const survey = surveyOf(look);
  const { backing, overridden, warnings } = judgeMaking(all.lab, survey, stays, one);
  if (one.options.directIo) {
    judgeDirectIo(serving.control, backing, survey, look.direct.get(backing.name) ?? '');
  }
  const fleeting = fleetingFaults(state, serving.control, backing.path);
  if (fleeting.length > 0) {
    throw new LabError({ tried: `looking at ${id}`, happened: fleeting.join('; '), next: 'take another' });
  }
  const drafted = entryFor(state, serving, spec, backing, look.bootId);
  refuseUnspeakable(serving, drafted);
  const carrier = [...own.values()].find((other) => servesMade(other, drafted));
  const entry: ExportEntry = {
    ...withAllowed(drafted, overridden),
    phase: 'running',
    since: before?.since ?? drafted.since,
    backing: {
      ...drafted.backing,
      loopsBefore: before?.backing.loopsBefore ?? loopsOn(look, drafted),
      ...(backing.absent ? {} : carriedOver(carrier, drafted)),
    },
  };
  const { making } = entry.backing;
  const made = making === undefined ? { entry } : withFile(all, entry, id, making);
  // Initiators know what an earlier version exported without one.
  const isOld =
    before?.phase === 'running' && before.backing.identity === null && before.backing.name === backing.name;
  if (made.entry.backing.identity !== null && !isOld) {
    made.entry.serial = serialOf(storage.machineId, made.entry);
  }
  const told = [...overridden.map(({ text }) => `overridden: ${text}`), ...warnings];
  return { wanted: { id, before, ...made }, warnings: told };
}

/** A file that an earlier export made is removed with this one, if it is still that. */
function carriedOver(carrier: ExportEntry | undefined, entry: ExportEntry): Partial<ExportEntry['backing']> {
  if (carrier === undefined) return {};
  const { madeAs } = carrier.backing;
  const { identity } = entry.backing;
  // An earlier version did not record what it made: that stays, as `unexport` has it.
  if (madeAs === undefined) return { made: true };
  if (identity?.kind !== 'file' || madeAs.inode !== identity.inode) return {};
  return { made: true, madeAs };
}

function loopsOn({ storage }: Look, { backing: { identity } }: ExportEntry): string[] {
  if (identity?.kind !== 'file') return [];
  return loopsIn(storage).flatMap(({ device, id }) => (sameFile(id, identity) ? [device] : []));
}

/** With the file that was made for it, where the script has come to that: it printed `ID made … NAME`. */
function withFile(
  { made, look }: Case,
  entry: ExportEntry,
  id: string,
  fresh: string,
): Pick<Wanted, 'entry' | 'making'> {
  const line = made.split('\n').find((one) => one.startsWith(`${id} made `)) ?? '';
  const [, told = '', making = fresh] = /^\S+ (made \d+ \d+ \S+) (.*)$/.exec(line) ?? [];
  const { making: _, ...backing } = entry.backing;
  const madeAs = parseMade(told, look.bootId);
  if (madeAs === undefined) return { entry: { ...entry, backing }, making };
  const { rawDev: _raw, ...file } = madeAs;
  return {
    entry: { ...entry, backing: { ...backing, madeAs, identity: { kind: 'file', ...file } } },
    making,
  };
}
