/** What initiators set on an export over the wire, as far as its host can know it. */

import type { Host } from '../../hosts/host/host.js';
import { AoeError } from '../../wire/aoe/index.js';
import { AoeAnswerError } from '../../wire/initiator/faults.js';
import type { Station } from '../../wire/initiator/who-answers.js';
import type { DaemonStatus } from '../../wire/native/status-file.js';
import { daemonStatus, isAt } from './daemon-status.js';
import { driverFor } from './drivers.js';
import type { EntryStore, ExportEntry, WireState } from './entry.js';
import { readKept } from './kept-lists.js';
import { processesOf } from './processes.js';
import { exportName } from './variables.js';

/** As `status --json` shows it. */
export interface ExportAccess {
  /** Null: not known. */
  configString: string | null;
  /** MAC mask list: who is answered, beside the export's own list; empty: everybody. Null: not known. */
  masks: string[] | null;
  /** Who has reserved it; empty: nobody. Null: not known. */
  reservation: string[] | null;
  /** Somebody has, whoever that is. */
  reserved: boolean;
  /** The target refuses changes of these over the wire. */
  locked: boolean;
}

/** State that a host knows of. */
export type KeptAccess = WireState & { locked: boolean };

/** What of it lies on the host, asked by nobody over the wire; undefined where it does not, or its target does not run. */
export async function keptAccess(
  host: Host,
  folder: string,
  entry: ExportEntry,
  told: DaemonStatus['exports'][number] | undefined,
): Promise<KeptAccess | undefined> {
  switch (entry.control.access) {
    case 'told':
      return told?.access;
    case 'files':
      return { ...(await readKept(host, folder, exportName(entry))), locked: false };
    default:
      return undefined;
  }
}

/** The same of one export, as it is now. */
export async function keptNow(store: EntryStore, entry: ExportEntry): Promise<KeptAccess | undefined> {
  const { host } = store;
  const { control } = entry;
  const mark = driverFor(store, entry).mark(entry);
  if (control.access !== 'told') return keptAccess(host, mark, entry, undefined);
  const status = await daemonStatus(host, mark, await processesOf(host, store.folder, mark));
  const told = status?.exports.find(isAt(entry));
  return keptAccess(host, mark, entry, told);
}

/** @param heard how it answered when it was asked who it is */
export function judgeAccess(
  kept: KeptAccess | undefined,
  heard: Pick<Station, 'config' | 'fault'> | undefined,
): ExportAccess | null {
  const isRefused = heard?.fault instanceof AoeAnswerError && heard.fault.code === AoeError.targetReserved;
  if (kept !== undefined) {
    const { configString, masks, reservation, locked } = kept;
    const reserved = reservation.length > 0;
    return { configString: fromBase64(configString), masks, reservation, reserved, locked };
  }
  if (heard === undefined) return null;
  const configString = heard.config?.configString.toString() ?? null;
  return { configString, masks: null, reservation: null, reserved: isRefused, locked: false };
}

function fromBase64(text: string): string {
  return Buffer.from(text, 'base64').toString();
}
