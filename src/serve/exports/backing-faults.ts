/** How what an export serves differs from what its name means. No I/O. */

import { posix } from 'node:path';
import { formatSize } from '../../base/units.js';
import { quoteArgv } from '../../hosts/host/quote.js';
import { type BlockFacts, type StorageSnapshot, sameFile } from '../storage/snapshot.js';
import {
  changeOf,
  type Meaning,
  meaningOf,
  nothingToServe,
  otherDisk,
  otherDiskSteps,
  strayLink,
  whereabouts,
} from './backing-now.js';
import { type ExportEntry, exportId, sectorsOf } from './entry.js';
import { keyOf, type Opened } from './opened.js';

export interface BackingFault {
  text: string;
  /** restart: a restart repairs it, and loses nothing · file: a person has to see to it */
  remedy: 'restart' | 'file';
  /** What that person is to do, where it is known. */
  next?: string | undefined;
}

export interface BackingView {
  snapshot: StorageSnapshot;
  /** Of its processes, as far as they can be looked at and have anything open that they could serve. */
  opened: readonly Opened[];
  /** Whether there are processes that serve it. */
  isServed: boolean;
  /** Whether they hear nothing on its interface: what is being started, or only a supervisor, opens some files in passing. */
  isDeaf: boolean;
  /** Whether they serve other exports as well. */
  isShared: boolean;
  /** What its target says it has open for it: `DEV:INODE` of a file, `MAJOR:MINOR` of a device; undefined where it does not tell. */
  told: string | undefined;
  /** Sectors that its target says it serves now; undefined where it does not tell. */
  sectors: number | undefined;
}

export interface BackingJudgement {
  /** What its name means now; undefined: nothing. */
  now: Meaning | undefined;
  /** Bytes of the file or device now; null where nothing is. */
  size: number | null;
  faults: BackingFault[];
}

export function judgeServed(view: BackingView, entry: ExportEntry): BackingJudgement {
  const { snapshot } = view;
  const { name } = entry.backing;
  const now = meaningOf(snapshot, entry);
  const fault = (text: string, next?: string): BackingJudgement => ({
    now,
    size: now?.size ?? null,
    faults: [{ text: next === undefined ? text : `${text}: ${next}`, remedy: 'file', next }],
  });
  const trouble = snapshot.names.get(name)?.trouble;
  if (trouble !== undefined) return fault(`it could not be looked at: ${trouble}`);
  const stray = strayLink(snapshot, entry);
  if (stray !== undefined) return fault(`${stray}: it is not served at the next start`);
  if (now === undefined) return goneFault(view, entry, fault);
  const nothing = nothingToServe(now, entry);
  if (nothing !== undefined) return fault(`${nothing} now`);
  const other = otherDisk(snapshot, entry, now);
  if (other !== undefined) {
    return fault(
      other.replace(/ than the one that was exported/, ' now'),
      otherDiskSteps(entry).join('; or '),
    );
  }
  const serves = servesNow(view, entry, now);
  if (serves === false) return elsewhere(view, entry, now, fault);
  const change = changeOf(entry, now);
  if (change !== undefined && serves !== true) {
    const which = view.isServed
      ? `, and its target has both open: which of them it serves is not known`
      : ', which the next start serves';
    const text = `${change}${which}: aoe-lab restart ${exportId(entry)}`;
    return { now, size: now.size, faults: [{ text, remedy: 'restart' }] };
  }
  return { now, size: now.size, faults: sizeFaults(view, entry, now) };
}

type Fault = (text: string, next?: string) => BackingJudgement;

/** Its name means nothing. */
function goneFault(view: BackingView, entry: ExportEntry, fault: Fault): BackingJudgement {
  const { name } = entry.backing;
  const still = servedThen(view, entry);
  if (still === undefined) return fault(`${name} is gone${whereabouts(view.snapshot, entry)}`);
  if ('lost' in still) {
    const copy = still.at === undefined ? 'copy it' : quoteArgv(['cp', '--sparse=always', still.at, name]);
    return fault(
      `${name} is gone: its target serves the file that was removed, ${still.lost}`,
      `once no initiator writes to it, ${copy}, then aoe-lab restart ${exportId(entry)}`,
    );
  }
  const id = exportId(entry);
  return fault(
    `${name} is gone, and the file lives on, which its target serves ${still.called}`,
    still.name === undefined
      ? `${still.next}; give it that name back, or aoe-lab unexport ${id}`
      : `${quoteArgv(['mv', still.name, name])}; or aoe-lab unexport ${id}, then export it by that name`,
  );
}

/** Its target serves something else than its name means. */
function elsewhere(view: BackingView, entry: ExportEntry, now: Meaning, fault: Fault): BackingJudgement {
  const { name, path } = entry.backing;
  const restart = `aoe-lab restart ${exportId(entry)}`;
  const harmless = (text: string): BackingJudgement => ({
    now,
    size: now.size,
    faults: [{ text: `${text}: ${restart} takes what it means`, remedy: 'restart' }],
  });
  const still = servedThen(view, entry);
  if (still !== undefined && 'lost' in still) {
    const what = now.path === path ? `${name} was replaced` : `${name} means ${now.path} now`;
    return fault(
      `${what}: its target serves the one that is deleted, ${still.lost}`,
      `copy what matters, then ${restart}`,
    );
  }
  if (now.kind === 'device' || now.path !== path) {
    return harmless(`${name} means ${now.path} now, and its target serves ${still?.name ?? path}`);
  }
  if (still !== undefined) {
    const more = still.name === undefined ? ` (${still.next})` : '';
    return harmless(
      `${name} was replaced: its target serves the one that was there, which lives on ${still.called}${more}`,
    );
  }
  return fault(
    `${name} was replaced: its target serves another file, and what is written to that may be lost when it ends`,
    `copy what matters, then ${restart}`,
  );
}

function sizeFaults(view: BackingView, entry: ExportEntry, now: Meaning): BackingFault[] {
  const { backing, options } = entry;
  const restart = `aoe-lab restart ${exportId(entry)}`;
  const { name } = backing;
  const offset = options.offset ?? 0;
  const there = Math.floor(now.size / 512) - offset;
  const wanted = options.length ?? there;
  if (there < wanted) {
    const text = `${name} has shrunk: ${options.length} sectors are to be served, and ${Math.max(0, there)} are there`;
    return [{ text, remedy: 'file' }];
  }
  const served = view.sectors ?? sectorsOf(entry);
  if (served === wanted) return [];
  const verb = wanted > served ? 'grown' : 'shrunk';
  const text = `${name} has ${verb} to ${formatSize(wanted * 512)} (${wanted} sectors), and its target serves ${served}: ${restart}`;
  return [{ text, remedy: 'restart' }];
}

/** Whether its target serves what its name means now; undefined where that can't be seen, or nobody serves it. */
function servesNow(view: BackingView, entry: ExportEntry, now: Meaning): boolean | undefined {
  const { snapshot, opened, isServed, isDeaf, isShared, told } = view;
  if (!isServed) return undefined;
  const wanted = openedFor(snapshot, entry, now);
  if (wanted === undefined) return now.isSame;
  if (told !== undefined) return wanted.includes(told);
  // A kernel module shows nothing of what it has open, and one that waits to be started again has nothing.
  if (opened.length === 0) return entry.backing.loop ? wanted.length > 0 : now.isSame;
  const has = opened.some(({ files, devices }) => wanted.some((one) => files.has(one) || devices.has(one)));
  const opensDisk = opened.some(({ devices }) => devices.size > 0);
  if (!has && isDeaf && !opensDisk && servedThen(view, entry) === undefined) return now.isSame;
  // What a program has open may be for another export of it.
  return has && isShared && !now.isSame ? undefined : has;
}

/** What a target has open that serves what a name means now, as `BackingView.told`; undefined where the host does not tell. */
function openedFor(
  snapshot: StorageSnapshot,
  { backing }: ExportEntry,
  { identity }: Meaning,
): string[] | undefined {
  if (!backing.loop) {
    if (identity.kind === 'file') return [keyOf(identity)];
    const number = snapshot.blocks.get(identity.block)?.number;
    return number === undefined ? [] : [number];
  }
  if (identity.kind !== 'file') return [];
  const { loopsBefore, attached } = backing;
  const loops = [...snapshot.blocks.values()].filter(
    ({ name, loop }) =>
      loop !== undefined &&
      (attached === undefined ? !loopsBefore.includes(`/dev/${name}`) : attached === `/dev/${name}`),
  );
  // An old losetup does not tell what is behind them.
  if (loops.every(({ loop }) => loop?.id === undefined)) return undefined;
  return loops.filter(({ loop }) => sameFile(loop?.id, identity)).map(({ number }) => number);
}

/** What became of the file that is still served although its name means it no more. */
type Still =
  | { lost: string; at: string | undefined; isEmpty: boolean }
  | { name: string | undefined; called: string; next: string };

/** @returns undefined where its target does not have open what its name meant, or that can't be seen */
export function servedThen(
  { snapshot, opened }: Pick<BackingView, 'snapshot' | 'opened'>,
  { backing }: ExportEntry,
): Still | undefined {
  const { identity } = backing;
  if (identity?.kind !== 'file') return undefined;
  // An old losetup does not tell which file is behind one, and the kernel that its name is gone.
  const isBehind = ({ loop }: BlockFacts): boolean =>
    sameFile(loop?.id, identity) || (loop?.id === undefined && loop?.file === `${backing.path} (deleted)`);
  const behind = backing.loop ? [...snapshot.blocks.values()].find(isBehind)?.loop : undefined;
  const key = keyOf(identity);
  // A loop device keeps a file without telling how many names it has.
  const file =
    behind === undefined
      ? opened.map(({ files }) => files.get(key)).find((one) => one !== undefined)
      : {
          at: undefined,
          name: behind.file,
          links: / \(deleted\)$/.test(behind.file) ? 0 : 1,
          blocks: undefined,
        };
  if (file === undefined) return undefined;
  const { at, links, name, blocks } = file;
  if (links === 0) {
    return { at, lost: 'and all that it holds is lost when that ends', isEmpty: blocks === 0 };
  }
  // The name that it was opened by is gone, and it has another.
  const isKnown = name !== undefined && !/ \(deleted\)$/.test(name);
  const next = quoteArgv(['find', posix.dirname(backing.path), '-xdev', '-inum', identity.inode]);
  return isKnown
    ? { name, called: `as ${name}`, next: '' }
    : { name: undefined, called: 'under another name', next: `${next} finds it` };
}
