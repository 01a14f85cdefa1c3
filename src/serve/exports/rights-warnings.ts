import { confinementOf } from '../../hosts/tools/confine.js';
import type { EntryStore, ExportEntry } from './entry.js';
import { runsOwnCode } from './own-code.js';
import { runsSystemd } from './persist/systemd.js';

/** Where a target keeps rights of root's that it does not need: nothing of the host takes them from it. */
export async function rightsWarnings(store: EntryStore, entry: ExportEntry): Promise<string[]> {
  const { host } = store;
  const { control, persist, restart, netns } = entry;
  // This package's own takes them from itself.
  if (control.shape === 'control-file' || runsOwnCode(control)) return [];
  // To enter a namespace takes one right more than the manager could leave.
  if ((persist || restart !== undefined) && netns === undefined && (await runsSystemd(host))) return [];
  const confinement = await confinementOf(host);
  if (confinement !== 'none' && confinement !== 'privileges') return [];
  return [
    `there is no setpriv(1) of util-linux on ${host.name}, by which a target gives up rights: it keeps all of root's`,
  ];
}
