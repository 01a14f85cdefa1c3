/** Where ggaoed serves a device: on each Ethernet interface that is up and matches (network.c: validate_iface; device.c). */
import { at, Doubt, type Remark } from './found.js';
import { type Group, type KeyValue, listItems } from './keyfile.js';

export interface Choice {
  /** Network interfaces of the host that frames of initiators come in by, which patterns are matched with. */
  interfaces: readonly string[];
  /** Those that are passed over: name → why, as a clause. */
  passedOver?: ReadonlyMap<string, string>;
  /** Patterns of interfaces that the daemon listens on at all; undefined: on all. */
  allowed: string[] | undefined;
  remarks: Remark[];
}

/** @throws Doubt if there is none */
export function interfacesOf(group: Group, { interfaces, passedOver, allowed, remarks }: Choice): string[] {
  const said = group.keys.get('interfaces');
  const own = patternsOf(said);
  const serves = (iface: string): boolean =>
    (own === undefined || own.some((pattern) => matches(pattern, iface))) &&
    (allowed === undefined || allowed.some((pattern) => matches(pattern, iface)));
  // One that is named may come later.
  const named = (own ?? allowed ?? []).filter(isPlain);
  const found = [...new Set([...named, ...interfaces])].filter(serves);
  const place = at(said ?? group);
  const patterns = own ?? allowed;
  if (found.length === 0) {
    const words = patterns?.join(', ') ?? 'all interfaces';
    throw new Doubt(place, `no interface of this host that ${group.name} can be served on is among ${words}`);
  }
  if (patterns === undefined || !patterns.every(isPlain)) {
    const left = [...(passedOver ?? [])].filter(([iface]) => serves(iface) && !named.includes(iface));
    const but =
      left.length === 0 ? '' : `; not on ${left.map(([iface, why]) => `${iface}, which ${why}`).join('; ')}`;
    remarks.push({
      ...place,
      text: `${group.name} is served on whatever matches; here on ${found.join(', ')}${but}`,
    });
  }
  return found;
}

export function patternsOf(said: KeyValue | undefined): string[] | undefined {
  const patterns = said === undefined ? [] : listItems(said.value).map((item) => item.trimStart());
  return patterns.length > 0 ? patterns : undefined;
}

function isPlain(pattern: string): boolean {
  return pattern !== '' && !/[*?]/.test(pattern);
}

/** As g_pattern_match: `*` any characters, `?` one. Linear in both, unlike a regular expression. */
function matches(pattern: string, name: string): boolean {
  let [at, from, star, mark] = [0, 0, -1, 0];
  while (from < name.length) {
    if (pattern[at] === '*') [star, mark, at] = [at, from, at + 1];
    else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[from]))
      [at, from] = [at + 1, from + 1];
    else if (star >= 0) [at, mark, from] = [star + 1, mark + 1, mark + 1];
    else return false;
  }
  return /^\**$/.test(pattern.slice(at));
}
