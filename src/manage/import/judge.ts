/** Which of the exports that were found can stand in one lab. */

import { allows } from '../../make/recipe/allows.js';
import { loadRecipes, select } from '../../make/recipe/load.js';
import type { Recipe } from '../../make/recipe/schema.js';
import { exportId } from '../../serve/exports/entry.js';
import { completeLab } from '../lab/check.js';
import { clashes } from '../lab/clashes.js';
import type { Lab, LabExport } from '../lab/lab.js';
import { type Found, type FoundExport, type LeftOut, placeOf, type Remark } from './found.js';
import { isUtf8 } from './text.js';

export interface Judged {
  lab: Lab;
  leftOut: LeftOut[];
  remarks: Remark[];
}

/** @param lab without exports, and with the host that they are on */
export async function judge(lab: Lab, found: Found): Promise<Judged> {
  const leftOut = [...found.leftOut];
  const remarks = [...found.remarks];
  const drop = (one: FoundExport, reason: string): void => void leftOut.push({ ...one, reason });
  const sayable = found.exports.filter((one) => {
    const reason = whyUnsayable(one);
    if (reason !== undefined) drop(one, reason);
    return reason === undefined;
  });
  let rest: FoundExport[] = [];
  for (const same of byId(sayable).values()) {
    const [first] = same as [FoundExport];
    const other = same.find((twin) => meaning(twin) !== meaning(first));
    if (other === undefined) rest.push(first);
    else {
      for (const one of same) {
        const { place, path } = meaning(one) === meaning(first) ? other : first;
        drop(one, `${placeOf(place)} says something else of the same address (${path})`);
      }
    }
  }
  const recipes = await loadRecipes();
  for (;;) {
    const exports = rest.map((one) => labExport(one, lab.hosts[0]?.name ?? '', recipes, remarks));
    const made = { ...lab, exports };
    const reasons = new Map<number, string>();
    for (const { path, message } of [...clashes(exports), ...(await completeLab(made)).faults]) {
      if (path[0] === 'exports') reasons.set(Number(path[1]), told(message, rest));
    }
    if (reasons.size === 0) return { lab: made, leftOut, remarks };
    for (const [index, reason] of reasons) drop(rest[index] as FoundExport, reason);
    rest = rest.filter((_, index) => !reasons.has(index));
  }
}

/** A fault of a lab in the words of what it was made of. */
function told(message: string, exports: readonly FoundExport[]): string {
  const names = message.replaceAll(/exports\[(\d+)\]/g, (_, index: string) => {
    const one = exports[Number(index)];
    return one === undefined ? 'another' : `the export of ${placeOf(one.place)}`;
  });
  return names.replace(/; `[^`]*` allows that$/, '').replaceAll('\n', '; ');
}

/** Why a lab can't name its path or its interface. */
function whyUnsayable({ path, iface, netns }: FoundExport): string | undefined {
  if (![path, iface, netns ?? ''].every(isUtf8) || path.includes('\ufffd'))
    return `its path ${JSON.stringify(path)} is no UTF-8`;
  if (!path.startsWith('/')) return `${JSON.stringify(path)} is no absolute path`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\0-\x1f\x7f]/.test(path)) return `its path ${JSON.stringify(path)} has control characters`;
  if (!/^[^\s/:]{1,15}$/.test(iface)) return `${JSON.stringify(iface)} is no name of an interface`;
  return undefined;
}

function byId(exports: readonly FoundExport[]): Map<string, FoundExport[]> {
  const all = new Map<string, FoundExport[]>();
  for (const one of exports) {
    const same = all.get(exportId(one));
    if (same === undefined) all.set(exportId(one), [one]);
    else same.push(one);
  }
  return all;
}

/** What of an export makes it another one; how it is started does not. */
function meaning({ implementation, path, loop, options }: FoundExport): string {
  const { macs, ...others } = options;
  const sorted = Object.entries(others).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([implementation, path, loop ?? false, sorted, macs && [...macs].sort()]);
}

function labExport(one: FoundExport, host: string, recipes: readonly Recipe[], remarks: Remark[]): LabExport {
  const { shelf, slot, place, path, loop: isLoop, ...facts } = one;
  const recipe = recipes.find(({ name }) => name === one.implementation);
  const control = recipe && select(recipe, one.release).control;
  // What another configuration can quote, the one that aoe-lab renders may not.
  const needsLoop = !allows(control?.path, path);
  const text = `${path} gets a loop device: the configuration can't hold that path`;
  if (needsLoop && !isLoop && !remarks.some((known) => known.text === text)) remarks.push({ ...place, text });
  return {
    host,
    address: { shelf, slot },
    ...facts,
    file: path,
    ...(needsLoop || isLoop ? { loop: true } : {}),
  };
}
