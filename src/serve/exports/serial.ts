import { tellingText } from '../../base/identity.js';
import { formatAddress } from '../../wire/aoe/index.js';
import { serialFor } from '../../wire/native/serial.js';
import type { ExportEntry } from './entry.js';

/** By what a file or disk is: its name, its number and the path to it may change. */
export function serialOf(machineId: string, entry: ExportEntry): string {
  const { identity, name } = entry.backing;
  const what = identity === null ? name : tellingText(identity);
  return serialFor({ machineId, address: formatAddress(entry), identity: what });
}
