/** Access lists of ggaoed.conf: `[acls]`, and `accept` and `deny` of a device (ggaoed.c: resolve_acls; device.c: its check). */
import { Doubt, normalMac, unusable } from './found.js';
import { type Group, type KeyValue, listItems } from './keyfile.js';

/** More are passed over by ggaoed. */
const ROOM = 255;

export interface AccessList {
  macs: string[];
  /** What it names and can't be told. */
  unknown: string[];
}

type Ethers = ReadonlyMap<string, string>;

/** One may name those before it. */
export function resolveAcls(group: Group | undefined, ethers: Ethers): Map<string, AccessList> {
  const acls = new Map<string, AccessList>();
  for (const [name, said] of group?.keys ?? []) acls.set(name, resolve(said, acls, ethers));
  return acls;
}

/**
 * The initiators that a device admits; undefined: all.
 * @throws Doubt if they can't be told, or only those that it refuses
 */
export function admitted(
  { name, keys }: Group,
  acls: ReadonlyMap<string, AccessList>,
  ethers: Ethers,
): string[] | undefined {
  const accept = keys.get('accept');
  const deny = keys.get('deny');
  const listOf = (said: KeyValue): string[] => {
    const { macs, unknown } = resolve(said, acls, ethers);
    const [first] = unknown;
    if (first !== undefined) throw new Doubt(said, `whom ${name} serves can't be told: ${first}`);
    if (macs.length > ROOM)
      throw new Doubt(said, `${macs.length} addresses are more than the ${ROOM} that ggaoed has room for`);
    return macs;
  };
  const refused = deny === undefined ? [] : listOf(deny);
  if (accept === undefined) {
    if (deny === undefined || refused.length === 0) return undefined;
    throw new Doubt(deny, `${name} refuses ${refused.join(', ')}; a lab can only say who is admitted`);
  }
  const named = listOf(accept);
  if (named.length === 0) throw new Doubt(accept, `its list for ${name} is empty, and ggaoed serves all`);
  const wanted = named.filter((mac) => !refused.includes(mac));
  if (wanted.length > 0) return wanted;
  throw new Doubt(accept, `its list for ${name} admits nobody`);
}

function resolve(said: KeyValue, acls: ReadonlyMap<string, AccessList>, ethers: Ethers): AccessList {
  const macs = new Set<string>();
  const unknown: string[] = [];
  for (const item of listItems(said.value)) {
    // Space before an item belongs to it.
    const mac = normalMac(item.trimEnd()) ?? (acls.has(item) ? undefined : ethers.get(item));
    const list = acls.get(item);
    const why = mac && unusable(mac);
    if (why) unknown.push(`it names ${mac}: ${why}`);
    else if (mac !== undefined) macs.add(mac);
    else if (list !== undefined) {
      for (const one of list.macs) macs.add(one);
      unknown.push(...list.unknown);
    } else unknown.push(`${JSON.stringify(item)} is no MAC address, no access list and not in /etc/ethers`);
  }
  if (said.isBroken) unknown.push(`${said.value} has an escape that there is not`);
  return { macs: [...macs], unknown };
}
