/** How what a host has of an export differs from its entry, and what would repair that. No I/O. */
import { identifiedSectors } from '../../wire/aoe/index.js';
import { describeLimits } from '../../wire/native/limits.js';
import { toldFaults } from '../../wire/native/status-file.js';
import { judgeAccess } from './access.js';
import { type BackingJudgement, judgeServed } from './backing-faults.js';
import { type ExportEntry, exportId, sectorsOf } from './entry.js';
import type { Gathered } from './gather-status.js';
import { nameOf } from './roll-back.js';
import { sizeWarnings } from './size-warnings.js';
import type { ExportStatus } from './status-report.js';
import { wireDifferences } from './wire-differences.js';

export function judgeStatus(entry: ExportEntry, facts: Gathered): ExportStatus {
  const { told, iface, loops, run, kept, place, station } = facts;
  const backing = backingOf(entry, facts);
  const verdict = verdictOf(entry, facts, backing);
  const datapath = told?.datapath ?? earlierDatapath(told);
  return {
    id: exportId(entry),
    implementation: entry.implementation,
    release: entry.release,
    shelf: entry.shelf,
    slot: entry.slot,
    iface: entry.iface,
    netns: entry.netns,
    file: entry.backing.name,
    resolved: backing.now?.path ?? null,
    size: (told?.sectors ?? sectorsOf(entry)) * 512,
    backingSize: entry.backing.size,
    fileSize: backing.now?.kind === 'file' ? backing.size : null,
    made: entry.backing.made,
    loop: entry.backing.loop,
    device: loops[0],
    since: entry.since,
    state: stateOf(entry, facts, verdict.faults),
    pids: run.pids,
    wire: place.wire.answer,
    unchecked: place.wire.unchecked,
    ...verdict,
    warnings: [
      ...sizeWarnings(entry, told?.sectors),
      ...(told?.limits === undefined ? [] : [describeLimits(told.limits)]),
      ...facts.rightsWarnings,
      ...facts.persistenceWarnings,
    ],
    next: backing.faults.find(({ next }) => next !== undefined)?.next ?? null,
    mac: iface?.mac ?? null,
    lab: entry.lab ?? null,
    options: entry.options,
    restart: entry.restart ?? null,
    persist: entry.persist ?? false,
    log: facts.log,
    counters: told?.counters ?? null,
    datapath,
    path: datapath,
    sectors: told?.sectors ?? null,
    access: judgeAccess(kept, station),
    rights: facts.rights,
  };
}

function backingOf(entry: ExportEntry, facts: Gathered): BackingJudgement {
  const { snapshot, opened, isShared, told, station } = facts;
  const view = {
    snapshot,
    opened,
    isServed: isServing(facts) && !isDetached(entry, facts),
    isDeaf: facts.run.state === 'deaf',
    isShared,
    told: told?.opened,
    sectors: told?.sectors ?? (station?.identity && identifiedSectors(station.identity)),
  };
  return judgeServed(view, entry);
}

/** All that is wrong, each with what to do about it, and what repairs it. */
function verdictOf(
  entry: ExportEntry,
  facts: Gathered,
  backing: BackingJudgement,
): Pick<ExportStatus, 'faults' | 'remedy'> {
  if (isHalf(entry)) return { faults: [describeHalf(entry)], remedy: null };
  const id = exportId(entry);
  const { told, waits, untold, run, clash, place, station } = facts;
  const heard = station?.identity;
  const isWaiting = isServing(facts) && waits !== undefined;
  const broken = [
    ...(isDetached(entry, facts) ? ['no loop device'] : []),
    ...unkept(entry, facts),
    ...(run.fault === undefined || isWaiting ? [] : [run.fault]),
  ];
  const needs = (remedy: string): boolean =>
    [...place.faults, ...backing.faults].some((fault) => fault.remedy === remedy);
  const needsPerson = clash !== undefined || needs('file');
  const faults = [
    ...toldFaults(told ?? {}),
    ...[untold, facts.copyUnknown].filter((text) => text !== undefined),
    ...backing.faults.map(({ text }) => text),
    ...(clash === undefined ? [] : [describeClash(id, clash)]),
    ...(isWaiting ? [`it is not served yet: ${waits}`] : []),
    ...place.faults.map(({ text }) => text),
    // How many sectors it serves was judged with its file.
    ...(heard === undefined ? [] : wireDifferences(entry, { ...heard, sectors: null })),
    ...(entry.migration === undefined ? [] : [describeMove(entry, entry.migration.other)]),
    // What a restart would refuse is not sent to it.
    ...broken.map((what) => (needsPerson ? what : `${what}: aoe-lab restart ${id}`)),
  ];
  const isBroken = broken.length > 0 || needs('restart');
  return {
    faults,
    remedy: needs('interface') ? 'interface' : needsPerson ? 'file' : isBroken ? 'restart' : null,
  };
}

function isServing({ run }: Gathered): boolean {
  return run.state !== 'absent';
}

function isDetached({ backing }: ExportEntry, { loops }: Gathered): boolean {
  return backing.loop && loops.length === 0;
}

/** What it lacks of what it was given. */
function unkept(entry: ExportEntry, { persistence, copy, kept }: Gathered): string[] {
  const isOpen = kept !== undefined && !kept.locked && entry.phase === 'running' && entry.options.lockAccess;
  return [
    ...persistence,
    ...(copy === undefined ? [] : [copy]),
    ...(isOpen
      ? ['its target lets initiators change config string, mask list and reservation, and should not']
      : []),
  ];
}

function stateOf(
  { phase }: ExportEntry,
  { run }: Gathered,
  faults: readonly string[],
): ExportStatus['state'] {
  if (phase !== 'running') return 'unfinished';
  if (run.state === 'absent') return 'down';
  return faults.length > 0 ? 'impaired' : 'serving';
}

/** Daemons of 0.1.0, which may still run, tell it by another name. */
function earlierDatapath(told: object | undefined): string | null {
  return told !== undefined && 'path' in told && typeof told.path === 'string' ? told.path : null;
}

/** Whether a command that made or ended it was killed. */
function isHalf({ phase, migration }: ExportEntry): boolean {
  return phase !== 'running' && migration === undefined;
}

function describeHalf(entry: ExportEntry): string {
  const what = entry.phase === 'stopping' ? 'ends it' : 'makes it';
  return `a command ${what}, or was killed at that: the next one that changes something here ends it, as aoe-lab unexport ${exportId(entry)} does`;
}

function describeClash(id: string, others: readonly string[]): string {
  return `${others.join(' and ')} export${others.length === 1 ? 's' : ''} the same bytes: end all but one, or aoe-lab restart ${id} --allow exported`;
}

function describeMove(entry: ExportEntry, other: ExportEntry): string {
  const [old, next] = entry.phase === 'moving' ? [other, entry] : [entry, other];
  return `it moves from ${nameOf(old)} to ${nameOf(next)}, or a command that did so was killed: then the next one gives it back`;
}
