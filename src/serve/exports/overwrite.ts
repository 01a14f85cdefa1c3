/** Whether a file or disk that is there may be overwritten: judged by who uses it, as one that is to be exported is. */
import { LabError, UsageError } from '../../base/errors.js';
import type { Existing } from '../../base/files/open-output.js';
import { here } from '../../hosts/host/local.js';
import type { Finding, UseKind } from '../storage/findings.js';
import { extentOf, sharers, usersOf } from '../storage/in-use.js';
import { sameFile } from '../storage/snapshot.js';
import { claimsOf } from './claims.js';
import { EntryStore } from './entry.js';
import { type StorageSurvey, surveyFor } from './suitability.js';

export interface OverwriteOptions {
  /** What it is for. Default: overwriting. */
  tried?: string;
  /** What may speak against it all the same. Default: nothing, and the user is not told that something could. */
  allow?: readonly UseKind[];
  /** Told of what did, and was allowed. */
  onOverridden?: (finding: Finding) => void;
}

/** @throws UsageError with all that speaks against it and was not allowed · LabError if that can't be asked */
export async function judgeOverwrite(
  there: Existing,
  { tried = 'overwriting', allow, onOverridden }: OverwriteOptions = {},
): Promise<void> {
  const { path } = there;
  const store = await EntryStore.open(here);
  const survey = await surveyFor(store, [path]);
  requireSame(survey, there);
  const { snapshot, ours, ourLoops } = survey;
  const facts = snapshot.names.get(path);
  // As a whole: a file is cut short, too.
  const extent = facts && extentOf(snapshot, facts, 0, Number.MAX_SAFE_INTEGER);
  if (facts === undefined || extent === undefined) throw unasked(path, 'no disk belongs to this device node');
  const claims = (await store.all()).flatMap((entry) => claimsOf(snapshot, entry));
  const found = [...sharers(extent, false, claims), ...usersOf(snapshot, facts, extent, ours, ourLoops)];
  const open = found.filter(({ kind }) => allow?.every((one) => one !== kind) ?? true);
  for (const finding of found) if (!open.includes(finding)) onOverridden?.(finding);
  if (open.length === 0) return;
  const kinds = [...new Set(open.map(({ kind }) => kind))].join(',');
  throw new UsageError({
    tried: `${tried} ${path}`,
    happened: open.map(({ text }) => text),
    next: [
      ...open.flatMap(({ next = [] }) => next),
      'name another file',
      ...(allow === undefined
        ? []
        : [`or take it all the same by --allow ${kinds}: those who use it lose what is there`]),
    ],
  });
}

/** What was asked about is what was opened. */
function requireSame({ snapshot }: StorageSurvey, { path, id }: Existing): void {
  const { node, trouble, broken } = snapshot.names.get(path) ?? {};
  if (trouble !== undefined) throw unasked(path, trouble);
  if (broken || !sameFile(node?.id, id)) {
    throw unasked(path, 'its name holds a line break, or means another by now');
  }
}

function unasked(path: string, happened: string): LabError {
  return new LabError({ tried: `asking who uses ${path}`, happened, next: 'name another file' });
}
