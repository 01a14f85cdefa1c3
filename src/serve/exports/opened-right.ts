/**
 * Daemons of others open what a name means at that moment, links followed. Where somebody else could exchange a file just
 * then, an export is called served only when it is seen that they have open what was meant.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError, linesOf } from '../../base/errors.js';
import { driverFor, markedSo } from './drivers.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';
import { exposedPath } from './exposed.js';
import { keyOf, type OpenedFile, openedBy } from './opened.js';
import { runsOwnCode } from './own-code.js';

const POLL = 50;
/** Milliseconds that a daemon may take to open a file that it was told of. */
const PATIENCE = 5000;

/** @throws LabError if its processes have opened another file; then they serve the export no longer */
export async function requireRightFile(
  store: EntryStore,
  entry: ExportEntry,
  pids: readonly number[],
): Promise<void> {
  const { control, backing } = entry;
  const path = exposedPath(entry);
  // A process is given its file, a loop device was asked when it was attached, and ours look themselves.
  if (path === undefined || control.shape !== 'daemon' || backing.loop || runsOwnCode(control)) return;
  const driver = driverFor(store, entry);
  const mark = driver.mark(entry);
  const members = markedSo(store, await store.all(), mark);
  const isNoExport = ({ name = '' }: OpenedFile): boolean =>
    name.startsWith(`${mark}/`) || name === driver.logPath(entry);
  const deadline = performance.now() + PATIENCE;
  let wrong = `it has not opened ${path}`;
  let seen: string | undefined;
  for (let isLast = false; !isLast; await sleep(POLL)) {
    isLast = performance.now() > deadline;
    const opened = [...(await openedBy(store.host, pids)).seen.values()];
    if (opened.length === 0) {
      wrong = `what it has opened can't be seen, and somebody else may exchange ${path}`;
      break;
    }
    const files = opened.flatMap((one) => [...one.files]);
    if (files.some((file) => isOf(file, entry))) return;
    const other = files.find((file) => !isNoExport(file[1]) && !members.some((one) => isOf(file, one)));
    const last = seen;
    seen = other?.[0];
    // What it reads in passing is not open for long.
    if (other === undefined || last !== seen) continue;
    const [, { name = 'another file' }] = other;
    wrong = `it opened ${name} rather than ${path}, through a link that somebody else could have made`;
    break;
  }
  await driver.stop(entry);
  throw new LabError({
    tried: `starting ${entry.implementation} ${entry.release} for ${exportId(entry)}`,
    happened: linesOf(`${wrong}: it is not served`),
    next: 'take a folder that nobody else may write to',
    log: driver.logPath(entry),
  });
}

/** Whether a file is what an export is to be served from: by its name now, or what it is. */
function isOf([key, { name }]: [string, OpenedFile], { backing }: ExportEntry): boolean {
  const { identity, path } = backing;
  return name === path || (identity?.kind === 'file' && key === keyOf(identity));
}
