/** What a kernel module says it exports. */

import type { Host } from '../host/host.js';
import { readIfThere } from '../host/if-there.js';
import type { Control } from '../recipe/schema.js';
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

export async function isListed(
  host: Host,
  list: List,
  entry: Pick<ExportEntry, 'shelf' | 'slot' | 'iface'>,
): Promise<boolean> {
  const all = await controlledExports(host, list);
  return all.some(
    ({ shelf, slot, iface }) =>
      shelf === entry.shelf && slot === entry.slot && (iface === undefined || iface === entry.iface),
  );
}

/** The names in a folder, the lines of a file, or (`*` in its path) those of the file in each folder. */
async function candidates(host: Host, path: string): Promise<string[]> {
  const [before, after] = path.split('*');
  if (after !== undefined && before !== undefined) {
    const files = (await host.list(before)).map((name) => `${before}${name}${after}`);
    return (await Promise.all(files.map((file) => linesOf(host, file)))).flat();
  }
  return (await host.stat(path))?.kind === 'directory' ? host.list(path) : linesOf(host, path);
}

async function linesOf(host: Host, path: string): Promise<string[]> {
  const text = await readIfThere(host, path);
  return (text ?? '').toString().split('\n');
}
