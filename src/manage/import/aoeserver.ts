import { addressPart, attempt, Doubt, type Draft, type Found, nothingFound } from './found.js';

/** `/proc/aoeserver`: a line a device, then a line an initiator that it admits (aoeproc.c: aoeproc_seq_show). */
export function parseAoeserver(file: string, text: string): Found {
  const found = nothingFound();
  const [devices = '', masks = ''] = text.split(/^# access lists$/m);
  const first = devices.split('\n').length;
  const masked = new Set(
    masks.split('\n').flatMap((line) => {
      const [, shelf, slot] = /^(\d+)\s+(\d+)\s+\S/.exec(line) ?? [];
      return shelf === undefined ? [] : [`${shelf}.${slot}`];
    }),
  );
  for (const [index, raw] of devices.split('\n').slice(0, first).entries()) {
    if (raw.trim() === '' || raw.startsWith('#')) continue;
    const place = { file, line: index + 1 };
    const [, path, shelf, slot, iface = ''] = /^(\S.*?)\s+(\d+)\s+(\d+)\s*(\S*)\s*$/.exec(raw) ?? [];
    const draft: Draft = { implementation: 'aoeserver', place };
    attempt(found, draft, () => {
      if (path === undefined) throw new Doubt(place, `it can't be read: ${raw}`);
      Object.assign(draft, { path, ...(iface === '' ? {} : { iface }) });
      const address = { shelf: addressPart('shelf', shelf, place), slot: addressPart('slot', slot, place) };
      Object.assign(draft, address);
      if (iface === '') throw new Doubt(place, 'it is served on all interfaces, and a lab names one');
      if (masked.has(`${shelf}.${slot}`))
        throw new Doubt(place, 'it admits some initiators only, which aoe-lab does not tell this module');
      return { ...draft, ...address, path, iface, options: {} };
    });
  }
  return found;
}
