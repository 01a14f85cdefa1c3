/** vblade-persist's `/var/lib/vblade-persist/vblades`: a folder an export, with its words in `env` and a file an initiator in `macs`. */
import { posix } from 'node:path';
import type { Host } from '../../hosts/host/host.js';
import { attempt, Doubt, type Draft, type Found, joined, nothingFound } from './found.js';
import { namesIn, readText } from './read.js';
import { vbladeCommand } from './vblade-command.js';

export function isPersistTree(names: readonly string[]): boolean {
  return names.some((name) => /^e\d+\.\d+$/.test(name));
}

export async function readPersistTree(host: Host, folder: string, names: readonly string[]): Promise<Found> {
  const own = names.filter((name) => /^e\d+\.\d+$/.test(name));
  return joined(await Promise.all(own.map((name) => readOne(host, posix.join(folder, name)))));
}

async function readOne(host: Host, folder: string): Promise<Found> {
  const found = nothingFound();
  const names = await namesIn(host, folder, found.remarks);
  const [shelf, slot, netif, source] = await Promise.all(
    ['SHELF', 'SLOT', 'NETIF', 'SOURCE'].map(async (name) => {
      const text = await readText(host, posix.join(folder, 'env', name), found.remarks);
      // As runit's chpst takes it: the first line.
      return text?.split('\n')[0]?.replace(/[ \t]+$/, '');
    }),
  );
  const macs = names.includes('macs') ? await namesIn(host, posix.join(folder, 'macs'), found.remarks) : [];
  const run = names.includes('run') ? await readText(host, posix.join(folder, 'run'), found.remarks) : '';
  const place = { file: folder };
  const draft: Draft = { implementation: 'vblade', place, restart: 'on-failure', persist: true };
  attempt(found, draft, () => {
    const operands = [shelf, slot, netif, source].map((text) =>
      text ? { text } : { unknown: 'its env can not be read' },
    );
    const mask = macs.length === 0 ? [] : [{ text: '-m' }, { text: macs.join(',') }];
    const one = vbladeCommand([...mask, { text: '--' }, ...operands], draft);
    if (run === undefined) throw new Doubt(place, 'its run can not be read');
    if (/vblade\S*\s[^\n]*-[a-z]*[bdsrol]\b/.test(run))
      throw new Doubt(place, 'its run has options that are not read');
    if (names.includes('down')) throw new Doubt(place, 'it is not started by itself (its folder holds down)');
    return one;
  });
  return found;
}
