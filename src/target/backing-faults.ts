/** How what an export serves differs from what its name means. No I/O. */

import { type StorageSnapshot, sameFile } from '../storage/snapshot.js';
import { formatSize } from '../units.js';
import { type Meaning, meaningOf, nothingToServe, strayLink, whereabouts } from './backing-now.js';
import { type ExportEntry, exportId, sectorsOf } from './entry.js';
import type { Opened } from './opened.js';

export interface BackingFault {
  text: string;
  /** restart: a restart mends it, and loses nothing · file: a person has to see to it */
  remedy: 'restart' | 'file';
}

export interface BackingView {
  snapshot: StorageSnapshot;
  /** Of its processes, as far as they can be looked at. */
  opened: readonly Opened[];
  /** Whether there are processes that serve it. */
  isServed: boolean;
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
  const { backing } = entry;
  const { name } = backing;
  const now = meaningOf(snapshot, entry);
  const where = whereabouts(snapshot, entry);
  const restart = `aoe-lab restart ${exportId(entry)}`;
  const fault = (text: string, remedy: BackingFault['remedy']): BackingJudgement => ({
    now,
    size: now?.size ?? null,
    faults: [{ text, remedy }],
  });
  const trouble = snapshot.names.get(name)?.trouble;
  if (trouble !== undefined) return fault(`it could not be looked at: ${trouble}`, 'file');
  const stray = strayLink(snapshot, entry);
  if (stray !== undefined) return fault(`${stray}: it is not served at the next start`, 'file');
  if (now === undefined) {
    const lost = servesThen(view, entry)
      ? ': its target serves the file that was removed, which is lost when that ends'
      : '';
    return fault(`${name} is gone${lost}${where}`, 'file');
  }
  const nothing = nothingToServe(now, entry);
  if (nothing !== undefined) return fault(`${nothing} now`, 'file');
  if (backing.pinned && !now.isSame) {
    return fault(`${name} is another disk now${where}`, 'file');
  }
  const serves = servesNow(view, entry, now);
  if (serves === false) {
    if (now.kind === 'device' || now.path !== backing.path) {
      const what = `${name} means ${now.path} now, and its target serves ${backing.path}`;
      return fault(`${what}: ${restart} takes what it means`, 'restart');
    }
    return fault(
      `${name} was replaced: its target serves the one that is deleted, and what is written to that is lost when it ends; copy what matters, then ${restart}`,
      'file',
    );
  }
  return { now, size: now.size, faults: sizeFaults(view, entry, now, restart) };
}

function sizeFaults(view: BackingView, entry: ExportEntry, now: Meaning, restart: string): BackingFault[] {
  const { backing, options } = entry;
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

/** Whether its target has open what its name means now; undefined where that can't be seen. */
function servesNow(view: BackingView, entry: ExportEntry, now: Meaning): boolean | undefined {
  const { snapshot, opened, isServed } = view;
  const { backing } = entry;
  if (!isServed) return undefined;
  if (backing.loop) {
    const { identity } = now;
    if (identity.kind !== 'file') return false;
    const loops = [...snapshot.blocks.values()].filter(
      ({ name, loop }) => loop !== undefined && !backing.loopsBefore.includes(`/dev/${name}`),
    );
    // An old losetup does not tell what is behind them.
    if (loops.every(({ loop }) => loop?.id === undefined)) return now.isSame;
    const fitting = loops.filter(({ loop }) => sameFile(loop?.id, identity));
    if (opened.length === 0) return fitting.length > 0;
    return fitting.some(({ number }) => opened.some(({ devices }) => devices.has(number)));
  }
  // A kernel module shows nothing of what it has open.
  if (opened.length === 0) return now.isSame;
  const { identity } = now;
  if (identity.kind === 'file') {
    return opened.some(({ files }) => files.has(`${identity.dev}:${identity.inode}`));
  }
  const number = snapshot.blocks.get(identity.block)?.number;
  return number !== undefined && opened.some(({ devices }) => devices.has(number));
}

function servesThen({ opened }: BackingView, { backing: { identity } }: ExportEntry): boolean {
  return (
    identity?.kind === 'file' && opened.some(({ files }) => files.has(`${identity.dev}:${identity.inode}`))
  );
}
