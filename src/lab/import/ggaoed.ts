/**
 * ggaoed.conf of 0.9 and 1.1: `[defaults]`, `[acls]`, a group a device (it has a shelf), and groups of interfaces
 * (ggaoed.c: parse_defaults, parse_acls, parse_device, resolve_acls).
 */
import {
  addressPart,
  type Found,
  type FoundExport,
  normalMac,
  type Place,
  placeOf,
  type Remark,
  wholeNumber,
} from './found.js';
import { type Group, type KeyValue, listItems, parseKeyFile } from './keyfile.js';

export interface GgaoedSurroundings {
  /** Network interfaces of the host, which patterns are matched with. */
  interfaces: readonly string[];
  /** Of /etc/ethers: name → MAC address. */
  ethers?: ReadonlyMap<string, string>;
}

/** Keys that a device may have and a lab can't say. */
const TUNING = ['trace-io', 'max-delay', 'merge-delay'];
/** Of the daemon itself, which aoe-lab sets itself. */
const DAEMON = ['pid-file', 'control-socket', 'tx-ring-bug'];
const NEW_KEYS = [
  'state-directory',
  'ring-buffer-size',
  'send-buffer-size',
  'receive-buffer-size',
  'tx-ring-bug',
];

export function parseGgaoed(file: string, text: string, surroundings: GgaoedSurroundings): Found {
  const remarks: Remark[] = [];
  const groups = parseKeyFile(file, text, remarks);
  const named = (name: string): Group | undefined => groups.find((group) => group.name === name);
  const defaults = named('defaults');
  const acls = resolveAcls(named('acls'), surroundings, remarks);
  const has = (key: string): boolean => groups.some(({ keys }) => keys.has(key));
  const isOld = has('buffers') && !NEW_KEYS.some(has);
  const context: Context = {
    surroundings,
    acls,
    remarks,
    allowed: patternsOf(defaults?.keys.get('interfaces')),
    defaults,
    release: isOld ? '0.9' : undefined,
  };
  remarkGlobals(defaults, remarks);
  const exports: FoundExport[] = [];
  for (const group of groups) {
    if (group.name === 'defaults' || group.name === 'acls') continue;
    if (group.keys.has('shelf')) exports.push(...parseDevice(group, context));
    else remarkInterface(group, remarks);
  }
  return { exports, remarks };
}

interface Context {
  surroundings: GgaoedSurroundings;
  acls: ReadonlyMap<string, readonly string[]>;
  remarks: Remark[];
  /** Patterns of interfaces that it listens on at all; undefined: on all. */
  allowed: string[] | undefined;
  defaults: Group | undefined;
  release: string | undefined;
}

function parseDevice(group: Group, context: Context): FoundExport[] {
  const { remarks, defaults, release } = context;
  const { keys } = group;
  const shelfText = keys.get('shelf');
  const slotText = keys.get('slot');
  const shelf = addressPart('shelf', shelfText?.value ?? '', shelfText ?? group, remarks);
  const slot = addressPart('slot', slotText?.value ?? '', slotText ?? group, remarks);
  const path = pathOf(group, remarks);
  if (shelf === undefined || slot === undefined || path === undefined) return [];
  const options: FoundExport['options'] = {};
  // Its default is true, in both releases.
  if (flag(keys.get('direct-io') ?? defaults?.keys.get('direct-io'), true, remarks)) options.directIo = true;
  if (flag(keys.get('read-only'), false, remarks)) options.readOnly = true;
  const queue = keys.get('queue-length') ?? defaults?.keys.get('queue-length');
  const length = queue && wholeNumber('queue-length', queue.value, 1, queue, remarks);
  if (length !== undefined) options.queueLength = length;
  const macs = admitted(group, context);
  if (macs !== undefined) {
    options.macs = macs;
    if (flag(keys.get('broadcast'), false, remarks)) options.broadcast = true;
  }
  for (const key of TUNING) {
    const said = keys.get(key);
    if (said) remarks.push({ ...at(said), text: `${key} of ${group.name} can't be said in a lab: left out` });
  }
  const KNOWN = [
    'shelf',
    'slot',
    'path',
    'uuid',
    'direct-io',
    'read-only',
    'queue-length',
    'interfaces',
    'accept',
    'deny',
    'broadcast',
  ];
  for (const [key, said] of keys) {
    if (KNOWN.includes(key) || TUNING.includes(key)) continue;
    remarks.push({ ...at(said), text: `${key} is no key of a device: left out` });
  }
  return interfacesOf(group, context).map((iface) => ({
    implementation: 'ggaoed',
    ...(release === undefined ? {} : { release }),
    shelf,
    slot,
    iface,
    path,
    options,
    place: at(group),
  }));
}

function pathOf({ name, keys, ...place }: Group, remarks: Remark[]): string | undefined {
  const path = keys.get('path')?.value;
  const uuid = keys.get('uuid')?.value;
  if (uuid !== undefined && path === undefined) {
    remarks.push({
      ...at(place),
      text: `${name} names its device by UUID; taken as /dev/disk/by-uuid/${uuid}`,
    });
    return `/dev/disk/by-uuid/${uuid}`;
  }
  if (path === undefined || path === '') {
    remarks.push({ ...at(place), text: `${name} has no path, and so exports nothing` });
    return undefined;
  }
  return path;
}

/** The interfaces that a device is served on: its own patterns' and the daemon's, of those the host has. */
function interfacesOf(group: Group, { surroundings, allowed, remarks }: Context): string[] {
  const own = patternsOf(group.keys.get('interfaces'));
  const isPlain = (pattern: string): boolean => !/[*?]/.test(pattern);
  // A plain name that the host lacks may come later.
  const candidates = new Set([...surroundings.interfaces, ...(own ?? allowed ?? []).filter(isPlain)]);
  const serves = (iface: string): boolean =>
    (own === undefined || own.some((pattern) => matches(pattern, iface))) &&
    (allowed === undefined || allowed.some((pattern) => matches(pattern, iface)));
  const found = [...candidates].filter(serves);
  const place = at(group.keys.get('interfaces') ?? group);
  if (found.length === 0) {
    const patterns = (own ?? allowed ?? []).join(', ') || 'all interfaces';
    remarks.push({
      ...place,
      text: `${group.name}: no interface of this host is served by ${patterns}: left out`,
    });
  } else if (own === undefined || !own.every(isPlain)) {
    remarks.push({
      ...place,
      text: `${group.name} is served on whatever matches; now that is ${found.join(', ')}`,
    });
  }
  return found;
}

/** The initiators a device admits; undefined: all. */
function admitted({ name, keys }: Group, { acls, surroundings, remarks }: Context): string[] | undefined {
  const accept = keys.get('accept');
  const deny = keys.get('deny');
  const refused = deny === undefined ? [] : resolveItems(deny, acls, surroundings, remarks);
  if (accept === undefined) {
    if (refused.length > 0 && deny !== undefined) {
      const text = `${name} refuses ${refused.join(', ')}; a lab can only say who is admitted: IT ADMITS ALL`;
      remarks.push({ ...at(deny), text });
    }
    return undefined;
  }
  const wanted = resolveItems(accept, acls, surroundings, remarks).filter((mac) => !refused.includes(mac));
  if (wanted.length > 0) return wanted;
  remarks.push({
    ...at(accept),
    text: `${name} admits nobody whose address can be told: 00:00:00:00:00:00 stands for that`,
  });
  return ['00:00:00:00:00:00'];
}

function resolveAcls(
  group: Group | undefined,
  surroundings: GgaoedSurroundings,
  remarks: Remark[],
): Map<string, string[]> {
  const acls = new Map<string, string[]>();
  // One may name those before it.
  for (const [name, said] of group?.keys ?? [])
    acls.set(name, resolveItems(said, acls, surroundings, remarks));
  return acls;
}

function resolveItems(
  said: KeyValue,
  acls: ReadonlyMap<string, readonly string[]>,
  { ethers }: GgaoedSurroundings,
  remarks: Remark[],
): string[] {
  const macs = listItems(said.value).flatMap((item) => {
    const mac = normalMac(item);
    if (mac !== undefined) return [mac];
    const acl = acls.get(item);
    if (acl !== undefined) return acl;
    const known = ethers?.get(item);
    if (known !== undefined) return [known];
    remarks.push({
      ...at(said),
      text: `${JSON.stringify(item)} is no MAC address, no access list and not in /etc/ethers: left out`,
    });
    return [];
  });
  return [...new Set(macs)];
}

function remarkGlobals(defaults: Group | undefined, remarks: Remark[]): void {
  for (const [key, said] of defaults?.keys ?? []) {
    if (['interfaces', 'direct-io', 'queue-length', ...DAEMON].includes(key)) continue;
    const text =
      key === 'state-directory'
        ? `config strings, MAC mask lists and reservations in ${said.value} are not taken over`
        : `${key} of the daemon can't be said in a lab: left out`;
    remarks.push({ ...at(said), text });
  }
}

function remarkInterface({ name, keys, ...place }: Group, remarks: Remark[]): void {
  if (keys.has('path') || keys.has('slot')) {
    remarks.push({ ...at(place), text: `${name} has no shelf, and so exports nothing` });
    return;
  }
  for (const [key, said] of keys) {
    remarks.push({ ...at(said), text: `${key} of the interface ${name} can't be said in a lab: left out` });
  }
}

function patternsOf(said: KeyValue | undefined): string[] | undefined {
  const patterns = said === undefined ? [] : listItems(said.value);
  return patterns.length > 0 ? patterns : undefined;
}

/** As g_pattern_match: `*` any characters, `?` one. */
function matches(pattern: string, name: string): boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(name);
}

/** As g_key_file_get_boolean. */
function flag(said: KeyValue | undefined, otherwise: boolean, remarks: Remark[]): boolean {
  if (said === undefined) return otherwise;
  if (said.value === 'true' || said.value === '1') return true;
  if (said.value === 'false' || said.value === '0') return false;
  remarks.push({
    ...at(said),
    text: `${JSON.stringify(said.value)} is neither true nor false (${placeOf(said)}); taken as ${otherwise}`,
  });
  return otherwise;
}

function at({ file, line }: Place): Place {
  return line === undefined ? { file } : { file, line };
}
