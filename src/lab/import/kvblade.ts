import { posix } from 'node:path';
import { addressPart, type Found } from './found.js';

/** `/sys/kvblade`: a folder an export, named `SHELF.SLOT@IF`, that tells its device in `bpath`. */
export function parseKvblade(folder: string, devices: readonly { name: string; bpath: string }[]): Found {
  const found: Found = { exports: [], remarks: [] };
  for (const { name, bpath } of devices) {
    const place = { file: posix.join(folder, name) };
    const [, shelfText = '', slotText = '', iface = ''] = /^(\d+)\.(\d+)@(.+)$/.exec(name) ?? [];
    if (iface === '') continue;
    const shelf = addressPart('shelf', shelfText, place, found.remarks);
    const slot = addressPart('slot', slotText, place, found.remarks);
    // The kernel ends it with a line's end; a path of the longest length has none.
    const path = bpath.replace(/\n$/, '').replaceAll('\0', '');
    if (path === '') found.remarks.push({ ...place, text: 'it does not tell its device: left out' });
    else if (shelf !== undefined && slot !== undefined) {
      found.exports.push({ implementation: 'kvblade', shelf, slot, iface, path, options: {}, place });
    }
  }
  return found;
}
