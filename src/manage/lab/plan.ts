/** What has to be done for a lab to be as its file says: from the file and what the hosts have to actions; no I/O. */

import { withoutBreaks } from '../../base/escape.js';
import { exportId } from '../../serve/exports/entry.js';
import type { ExportStatus } from '../../serve/exports/status-report.js';
import { isAllowed } from '../../serve/exports/suitability.js';
import { formatAddress } from '../../wire/aoe/index.js';
import type { Action, Create, LabPlan, Replace, Restart, SegmentAnswers, Trouble } from './actions.js';
import { type Difference, differences } from './differences.js';
import { groupBy } from './group.js';
import { type Lab, type LabExport, type LabHost, type LabSegment, segmentInterface } from './lab.js';
import { type HostPlace, placeTrouble, realName } from './places.js';
import { judgePlan, type Readiness } from './readiness.js';

/** What a host has, or why that is not known. */
export type HostState =
  | { host: string; exports: ExportStatus[]; places?: HostPlace[]; readiness?: Readiness }
  | { host: string; error: string };

export function planLab(
  lab: Lab,
  states: readonly HostState[],
  segments: readonly SegmentAnswers[] = [],
): LabPlan {
  const plan: LabPlan = {
    lab: lab.name,
    actions: [],
    troubles: [],
    warnings: [],
    unchanged: 0,
    foreign: 0,
    segments: segments.map(({ segment, askedFrom }) => ({ segment, askedFrom })),
  };
  const wanted = groupBy(lab.exports, ({ host }) => host);
  const strangers = findStrangers(lab, states, segments);
  for (const state of states) {
    if ('error' in state) {
      const next = 'what it exports is not known; run the command again when it can be reached';
      plan.troubles.push({ host: state.host, id: null, happened: state.error, next });
      continue;
    }
    planHost(plan, state, wanted.get(state.host) ?? [], strangers);
  }
  const readiness = states.flatMap((state) =>
    'exports' in state && state.readiness !== undefined ? [[state.host, state.readiness] as const] : [],
  );
  const judged = judgePlan(plan, new Map(readiness));
  markMoves(judged.actions);
  return judged;
}

function planHost(
  plan: LabPlan,
  { host, exports, places }: Extract<HostState, { exports: unknown }>,
  called: readonly LabExport[],
  strangers: ReadonlyMap<string, string>,
): void {
  const wanted = called.map((one) => ({ ...one, iface: realName(places, one.netns, one.iface) }));
  const found = new Map(exports.map((one) => [one.id, one]));
  const others = exports.filter((one) => one.lab?.name !== plan.lab && one.state !== 'unfinished');
  plan.foreign += others.length;
  const kept = new Set<string>();
  const staysWith = (is: ExportStatus | undefined): boolean =>
    is !== undefined && wanted.some((one) => isFileOf(is, one));
  for (const one of wanted) {
    const id = exportId({ ...one.address, ...one });
    if (kept.has(id)) {
      const happened = `two exports of the lab have this address, on ${one.iface} by two of its names`;
      plan.troubles.push({ host, id, happened, next: 'leave one of them out' });
      continue;
    }
    kept.add(id);
    const is = found.get(id);
    const outcome = decide(plan.lab, one, is, others, strangers.get(onSegment(one)));
    const isMade = outcome !== undefined && 'kind' in outcome && outcome.kind !== 'restart';
    const trouble = isMade ? placeTrouble(places, one, is === undefined) : undefined;
    if (outcome === undefined) plan.unchanged++;
    else if (trouble !== undefined) plan.troubles.push({ host, id, ...trouble });
    else if ('happened' in outcome) {
      plan.troubles.push({ host, id, ...outcome, happened: withoutBreaks(outcome.happened) });
    } else if (outcome.kind === 'restart') plan.actions.push({ host, id, export: one, ...outcome });
    else {
      const made = exports.some(
        (other) => other.lab?.name === plan.lab && other.made && isFileOf(other, one),
      );
      const making = { host, id, export: one, made };
      if (outcome.kind === 'create') plan.actions.push({ ...making, ...outcome });
      else plan.actions.push({ ...making, fileStays: staysWith(is), ...outcome });
    }
  }
  for (const is of exports) {
    if (is.lab?.name !== plan.lab || kept.has(is.id)) continue;
    const { shelf, slot, implementation, release, file, size } = is;
    plan.actions.push({
      kind: 'delete',
      host,
      id: is.id,
      is: { shelf, slot, implementation, release, file, size },
      fileStays: staysWith(is),
    });
  }
}

type Decision =
  | Pick<Create, 'kind' | 'movedFrom'>
  | Pick<Replace, 'kind' | 'differences'>
  | Pick<Restart, 'kind' | 'faults'>
  | Pick<Trouble, 'happened' | 'next'>;

/** @returns undefined if it is as it should be */
function decide(
  lab: string,
  one: LabExport,
  is: ExportStatus | undefined,
  others: readonly ExportStatus[],
  stranger: string | undefined,
): Decision | undefined {
  if (is !== undefined && is.lab?.name !== lab && is.state !== 'unfinished') {
    const owner = is.lab ? `for lab ${is.lab.name}` : 'by hand';
    const happened = `${is.implementation} ${is.release} exports ${is.file} there, made ${owner}`;
    return { happened, next: `aoe-lab unexport ${is.id} on that host, or take another address` };
  }
  if (stranger !== undefined) {
    return { happened: stranger, next: 'end that export, or take another address' };
  }
  const sharing = others.find(
    (other) =>
      isFileOf(other, one) &&
      !isAllowed('exported', one.allow) &&
      !(other.options.readOnly && one.options.readOnly),
  );
  if (sharing !== undefined) {
    const happened = `${one.file} is exported as ${sharing.id}, which is not of this lab`;
    return {
      happened,
      next: 'end that export, or set `allow: [exported]`: two writers destroy a file system',
    };
  }
  // What a killed command left half done is undone by the next one that changes something there.
  if (is === undefined || is.state === 'unfinished') return { kind: 'create', movedFrom: [] };
  if (is.remedy === 'interface') return { happened: is.faults.join('; '), next: null };
  const differing = differences(one, is);
  if (is.remedy === 'file' && !differing.some(({ field }) => field === 'file')) {
    const gone = `bring it back; or aoe-lab unexport ${is.id} there, so that an empty one may be made`;
    return { happened: is.faults.join('; '), next: is.next ?? gone };
  }
  if (one.size !== undefined && is.fileSize !== null && one.size !== is.fileSize && isFileKept(differing)) {
    const happened = `${is.file} has ${is.fileSize} bytes, the lab says ${one.size}: a file that is there is never resized`;
    return {
      happened,
      next: `truncate --size ${one.size} ${is.file} (to less loses data), or correct the lab`,
    };
  }
  if (differing.length > 0) return { kind: 'replace', differences: differing };
  if (is.remedy === 'restart') return { kind: 'restart', faults: is.faults };
  return is.state === 'serving' ? undefined : { happened: is.faults.join('; '), next: null };
}

/** Links in the path are resolved in what the host has. */
function isFileOf(is: ExportStatus, one: LabExport): boolean {
  return is.file === one.file || is.lab?.file === one.file;
}

function isFileKept(differing: readonly Difference[]): boolean {
  return !differing.some(({ field }) => field === 'file');
}

/**
 * Addresses on segments that somebody answers for who is none of the lab's: found among the exports of the lab's hosts, or
 * heard on the wire from a MAC that no export of theirs has.
 * @returns `SEGMENT e0.1` → what is there
 */
function findStrangers(
  lab: Lab,
  states: readonly HostState[],
  segments: readonly SegmentAnswers[],
): Map<string, string> {
  const strangers = new Map<string, string>();
  const macs = new Map<string, Set<string>>();
  const byPlace = new Map(
    lab.hosts.flatMap((host) =>
      lab.segments.map((segment) => [`${host.name} ${interfaceOn(segment, host, states)}`, segment.name]),
    ),
  );
  for (const state of states) {
    for (const one of 'exports' in state ? state.exports : []) {
      const address = formatAddress(one);
      if (one.mac !== null) macs.set(address, (macs.get(address) ?? new Set()).add(one.mac));
      const segment = byPlace.get(`${state.host} ${one.iface}`);
      if (one.lab?.name === lab.name || one.state === 'unfinished' || segment === undefined) continue;
      strangers.set(
        `${segment} ${address}`,
        `${state.host} exports ${one.id} on that segment, and not for this lab`,
      );
    }
  }
  for (const { segment, askedFrom, answers } of segments) {
    for (const { shelf, slot, mac } of answers) {
      const address = formatAddress({ shelf, slot });
      if (macs.get(address)?.has(mac)) continue;
      strangers.set(
        `${segment} ${address}`,
        `somebody else answers for ${address} on segment ${segment}: ${mac} (asked from ${askedFrom})`,
      );
    }
  }
  return strangers;
}

/** By its real name, where the host was looked at. */
function interfaceOn(segment: LabSegment, host: LabHost, states: readonly HostState[]): string | undefined {
  const iface = segmentInterface(segment, host);
  const state = states.find((one) => one.host === host.name);
  if (iface === undefined || state === undefined || 'error' in state) return iface;
  return realName(state.places, segment.netns, iface);
}

/** An export that tells no segment is asked about under none. */
function onSegment(one: LabExport): string {
  return `${one.segment ?? ''} ${formatAddress(one.address)}`;
}

function markMoves(actions: readonly Action[]): void {
  const ended = groupBy(
    actions.filter((action) => action.kind === 'delete'),
    ({ is }) => formatAddress(is),
  );
  for (const action of actions) {
    if (action.kind !== 'create') continue;
    const from = ended.get(formatAddress(action.export.address)) ?? [];
    action.movedFrom = [...new Set(from.map(({ host }) => host))].filter((host) => host !== action.host);
  }
}
