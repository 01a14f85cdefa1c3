import { addressPart, attempt, Doubt, type Draft, type Found, nothingFound } from './found.js';

export interface VbladeDrive {
  name: string;
  /** Its file `ports`: a line a port, `IF SHELF SLOT QUEUE SECTORS`. */
  ports: string;
}

/** `/sys/vblade`: drives with their paths in `drives`, and a folder a drive that lists its ports. */
export function parseVbladeKernel(folder: string, drives: string, folders: readonly VbladeDrive[]): Found {
  const found = nothingFound();
  const paths = new Map(
    drives.split('\n').flatMap((line): [string, string][] => {
      const [, name, path] = /^(\S+) (.+)$/.exec(line) ?? [];
      return name === undefined || path === undefined ? [] : [[name, path]];
    }),
  );
  for (const { name, ports } of folders) {
    for (const [index, line] of ports.split('\n').entries()) {
      if (line.trim() === '') continue;
      const place = { file: `${folder}/${name}/ports`, line: index + 1 };
      const [iface = '', shelf, slot, queue] = line.trim().split(/\s+/);
      const path = paths.get(name);
      const draft: Draft = {
        implementation: 'vblade-kernel',
        place,
        iface,
        ...(path === undefined ? {} : { path }),
      };
      attempt(found, draft, () => {
        const address = { shelf: addressPart('shelf', shelf, place), slot: addressPart('slot', slot, place) };
        Object.assign(draft, address);
        if (path === undefined)
          throw new Doubt(place, `${folder}/drives does not tell the device of ${name}`);
        const options = /^[1-9]\d{0,2}$/.test(queue ?? '') ? { queueLength: Number(queue) } : {};
        return { ...draft, ...address, iface, path, options };
      });
    }
  }
  return found;
}
