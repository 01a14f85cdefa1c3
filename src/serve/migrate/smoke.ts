/** Whether an export is what it should be: asked over the wire, and compared with what its file or device holds. */

import { LabError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import type { InterfaceFacts } from '../../hosts/host/interface-facts.js';
import { AoeError, identifiedSectors, SECTOR } from '../../wire/aoe/index.js';
import { AoeAnswerError } from '../../wire/initiator/faults.js';
import type { Target } from '../../wire/initiator/target.js';
import type { Link } from '../../wire/link/link.js';
import { type EntryStore, type ExportEntry, sectorsOf } from '../exports/entry.js';
import { nameOf } from '../exports/roll-back.js';
import { exportedPath } from '../exports/variables.js';
import { sessionWith } from '../exports/wire-state.js';

/** What a smoke test saw; null where it could not ask. */
export interface Smoke {
  sectors: number | null;
  model: string | null;
  /** Places read over the wire that hold what the file or device holds there. */
  equal: number;
  /** Places that somebody was writing to all the time. */
  busy: number;
  /** Why the data could not be asked for. */
  skipped: string | null;
}

const PLACES = 5;
/** Sectors read at each. */
const RUN = 8;
const TRIES = 10;
const RESERVED = 'another initiator has reserved it';

/**
 * Identifies an export and reads at a few places.
 * @throws LabError if it has another size, or other data than its file or device has there
 * @throws NoAnswerError if it does not answer
 */
export async function smokeTest(
  store: EntryStore,
  entry: ExportEntry,
  iface: InterfaceFacts,
  link: Link,
): Promise<Smoke> {
  const target = sessionWith(link, entry, iface);
  const expected = sectorsOf(entry);
  const tried = `testing e${entry.shelf}.${entry.slot} as ${nameOf(entry)} serves it`;
  const identity = await target.identify().catch(ifReserved);
  if (identity === undefined) return { sectors: null, model: null, equal: 0, busy: 0, skipped: RESERVED };
  const sectors = identifiedSectors(identity);
  if (sectors !== expected) {
    throw new LabError({ tried, happened: `it has ${sectors} sectors rather than ${expected}` });
  }
  const path = await exportedPath(store, entry);
  const smoke: Smoke = { sectors, model: identity.model, equal: 0, busy: 0, skipped: null };
  const count = Math.min(RUN, sectors);
  const lbas = new Set(
    Array.from({ length: PLACES }, (_, index) => Math.floor(((sectors - count) * index) / (PLACES - 1))),
  );
  for (const lba of lbas) {
    const start = (entry.options.offset ?? 0) + lba;
    const outcome = await compare(store.host, target, path, { lba, start, count }).catch(ifReserved);
    if (outcome === undefined) return { ...smoke, skipped: RESERVED };
    if (outcome === 'other') {
      throw new LabError({
        tried,
        happened: `sectors ${lba} to ${lba + count - 1} are not those of ${path}`,
      });
    }
    smoke[outcome]++;
  }
  return smoke;
}

/** Some tell of a reservation when they are identified, others when they are read from. */
function ifReserved(error: unknown): undefined {
  if (error instanceof AoeAnswerError && error.code === AoeError.targetReserved) return undefined;
  throw error;
}

/** Read from the host before and after it is read over the wire: others may be writing there. */
async function compare(
  host: Host,
  target: Target,
  path: string,
  { lba, start, count }: { lba: number; start: number; count: number },
): Promise<'equal' | 'busy' | 'other'> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const before = await readHere(host, path, start, count);
    const seen = await target.read(lba, count);
    if (seen.equals(before)) return 'equal';
    const after = await readHere(host, path, start, count);
    if (seen.equals(after)) return 'equal';
    if (before.equals(after)) return 'other';
  }
  return 'busy';
}

/** By od(1): every system has it, it goes by words alone and takes devices too. */
async function readHere(host: Host, path: string, sector: number, count: number): Promise<Buffer> {
  const range = ['-j', String(sector * SECTOR), '-N', String(count * SECTOR)];
  const { stdout } = await host.run(['od', '-A', 'n', '-v', '-t', 'x1', ...range, path]);
  return Buffer.from(stdout.replaceAll(/\s+/g, ''), 'hex');
}
