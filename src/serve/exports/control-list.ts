/** What a kernel module says it exports. */

import type { Host } from '../../hosts/host/host.js';
import { readIfThere } from '../../hosts/host/if-there.js';
import type { Control } from '../../make/recipe/schema.js';
import type { ExportEntry } from './entry.js';

type List = Extract<Control, { shape: 'control-file' }>['list'];

export interface ControlledExport {
  shelf: number;
  slot: number;
  /** Undefined where the module does not tell, or serves all interfaces. */
  iface: string | undefined;
}

/** All exports of a module, ours and those that were made by hand. */
export async function controlledExports(host: Host, { path, match }: List): Promise<ControlledExport[]> {
  const pattern = new RegExp(match);
  return (await candidates(host, path)).flatMap((text) => {
    const groups = pattern.exec(text)?.groups;
    if (groups?.shelf === undefined || groups.slot === undefined) return [];
    return [{ shelf: Number(groups.shelf), slot: Number(groups.slot), iface: groups.iface }];
  });
}

type Wanted = Pick<ExportEntry, 'shelf' | 'slot' | 'iface'>;

export async function isListed(host: Host, list: List, entry: Wanted): Promise<boolean> {
  return isAmong(await controlledExports(host, list), entry);
}

export function isAmong(all: readonly ControlledExport[], entry: Wanted): boolean {
  return all.some(
    ({ shelf, slot, iface }) =>
      shelf === entry.shelf && slot === entry.slot && (iface === undefined || iface === entry.iface),
  );
}

/** The names in a folder, the lines of a file, or (`*` as a part of its path) those of the file in each folder. */
async function candidates(host: Host, path: string): Promise<string[]> {
  const [before, after] = path.split('*');
  if (after !== undefined && before !== undefined) {
    const texts = await host.readEach(before, after.slice(1));
    return [...texts.values()].flatMap((text) => text.split('\n'));
  }
  return (await host.stat(path))?.kind === 'directory' ? host.list(path) : linesOf(host, path);
}

async function linesOf(host: Host, path: string): Promise<string[]> {
  const text = await readIfThere(host, path);
  return (text ?? '').toString().split('\n');
}
