import type { Fault } from '../../base/document.js';
import { exportId } from '../../serve/exports/entry.js';
import { formatAddress } from '../../wire/aoe/index.js';
import type { LabExport } from './lab.js';

/** Two that answer for one address, and two that write to one file. */
export function clashes(exports: readonly LabExport[]): Fault[] {
  const faults: Fault[] = [];
  const addresses = new Map<string, number>();
  const files = new Map<string, number>();
  for (const [index, one] of exports.entries()) {
    const path = ['exports', index] as const;
    const address = formatAddress(one.address);
    const places = [`${one.host} ${exportId({ ...one.address, ...one })}`];
    if (one.segment !== undefined) places.push(`segment ${one.segment} ${address}`);
    const taken = places.map((place) => addresses.get(place)).find((found) => found !== undefined);
    if (taken !== undefined) {
      const where = one.segment === undefined ? `${one.iface} of ${one.host}` : `segment ${one.segment}`;
      const message = `${address} is taken on ${where} by exports[${taken}] (${exports[taken]?.file} of ${exports[taken]?.host})`;
      faults.push({ path: [...path, 'address'], message });
    }
    for (const place of places) if (!addresses.has(place)) addresses.set(place, index);
    const file = `${one.host} ${one.file}`;
    const first = files.get(file);
    const other = first === undefined ? undefined : exports[first];
    if (other === undefined) files.set(file, index);
    else if (
      !(one.allow === true || one.allow?.includes('exported')) &&
      !isDisjoint(one, other) &&
      !isSecondWay(one, other) &&
      !(one.options.readOnly && other.options.readOnly)
    ) {
      const message = `exports[${first}] (${formatAddress(other.address)}) writes to it too; \`allow: [exported]\` allows that`;
      faults.push({ path: [...path, 'file'], message });
    }
  }
  return faults;
}

/** Slices of one file that do not touch. */
function isDisjoint({ options: a }: LabExport, { options: b }: LabExport): boolean {
  const end = ({ offset = 0, length = Number.POSITIVE_INFINITY }: LabExport['options']): number =>
    offset + length;
  return end(a) <= (b.offset ?? 0) || end(b) <= (a.offset ?? 0);
}

/** Another interface to the same disk: the same address by the same daemon. */
function isSecondWay(one: LabExport, other: LabExport): boolean {
  return (
    one.implementation === other.implementation &&
    one.netns === other.netns &&
    formatAddress(one.address) === formatAddress(other.address) &&
    one.options.offset === other.options.offset &&
    one.options.length === other.options.length
  );
}
