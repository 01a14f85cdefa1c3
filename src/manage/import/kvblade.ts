import { posix } from 'node:path';
import { addressPart, attempt, Doubt, type Found, nothingFound } from './found.js';

/** `/sys/kvblade`: a folder an export, named `SHELF.SLOT@IF`, that tells its device in `bpath`. */
export function parseKvblade(folder: string, devices: readonly { name: string; bpath: string }[]): Found {
  const found = nothingFound();
  for (const { name, bpath } of devices) {
    const place = { file: posix.join(folder, name) };
    const [, shelf = '', slot = '', iface = ''] = /^(\d+)\.(\d+)@(.+)$/.exec(name) ?? [];
    if (iface === '') continue;
    // The kernel ends it with a line's end; a path of the longest length has none.
    const path = bpath.replace(/\n$/, '').replaceAll('\0', '');
    attempt(found, { implementation: 'kvblade', iface, place }, (draft) => {
      if (path === '') throw new Doubt(place, 'it does not tell its device');
      draft.path = path;
      const address = { shelf: addressPart('shelf', shelf, place), slot: addressPart('slot', slot, place) };
      return { ...draft, ...address, iface, path, options: {} };
    });
  }
  return found;
}
