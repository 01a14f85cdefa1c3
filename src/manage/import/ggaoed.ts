/**
 * ggaoed.conf of 0.9 and 1.1: `[defaults]`, `[acls]`, a group a device (it has a shelf), and groups of interfaces
 * (ggaoed.c: parse_defaults, parse_acls, parse_device, resolve_acls).
 */

import {
  addressPart,
  at,
  attempt,
  Doubt,
  type Draft,
  type Found,
  type FoundExport,
  nothingFound,
  placeOf,
  type Remark,
  wholeNumber,
} from './found.js';
import { type AccessList, admitted, resolveAcls } from './ggaoed-access.js';
import { type Choice, interfacesOf, patternsOf } from './ggaoed-interfaces.js';
import { type Group, type KeyValue, parseKeyFile } from './keyfile.js';

export interface GgaoedSurroundings extends Pick<Choice, 'interfaces' | 'passedOver'> {
  /** Of /etc/ethers: name → MAC address. */
  ethers?: ReadonlyMap<string, string>;
  /** The file that holds a device's MAC mask list, which was set over the wire; undefined: it has none. */
  masked?: (device: string) => string | undefined;
}

/** Keys that a device may have and a lab can't say. */
const TUNING = ['trace-io', 'max-delay', 'merge-delay'];
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
  const found = nothingFound();
  const { groups, faults } = parseKeyFile(file, text);
  const named = (name: string): Group | undefined => groups.find((group) => group.name === name);
  const defaults = named('defaults');
  const acls = resolveAcls(named('acls'), surroundings.ethers ?? new Map());
  const has = (key: string): boolean => groups.some(({ keys }) => keys.has(key));
  const context: Context = {
    surroundings,
    acls,
    remarks: found.remarks,
    defaults,
    release: has('buffers') && !NEW_KEYS.some(has) ? '0.9' : undefined,
  };
  remarkGlobals(defaults, found.remarks);
  for (const group of groups) {
    if (group.name === 'defaults' || group.name === 'acls') continue;
    if (!group.keys.has('shelf')) {
      remarkInterface(group, found.remarks);
      continue;
    }
    const draft: Draft = { implementation: 'ggaoed', place: at(group) };
    attempt(found, draft, () => {
      const one = parseDevice(group, draft, context);
      const [fault] = faults;
      if (fault !== undefined) throw new Doubt(fault, `ggaoed refuses the file: ${fault.text}`);
      return one;
    });
  }
  const isDevice = groups.some(({ keys }) => keys.has('shelf'));
  if (!isDevice) found.remarks.push(...faults);
  return found;
}

interface Context {
  surroundings: GgaoedSurroundings;
  acls: ReadonlyMap<string, AccessList>;
  remarks: Remark[];
  defaults: Group | undefined;
  release: string | undefined;
}

/** An export an interface. */
function parseDevice(group: Group, draft: Draft, context: Context): FoundExport[] {
  const { remarks, defaults, release, surroundings, acls } = context;
  const { keys, name } = group;
  const of = (key: string): KeyValue | undefined => keys.get(key);
  if (release !== undefined) draft.release = release;
  draft.path = pathOf(group, remarks);
  draft.shelf = addressPart('shelf', of('shelf')?.value.trimEnd(), of('shelf') ?? group);
  draft.slot = addressPart('slot', of('slot')?.value.trimEnd(), of('slot') ?? group);
  const options: FoundExport['options'] = {};
  // Its default is true, in both releases.
  if (flag(of('direct-io') ?? defaults?.keys.get('direct-io'), true)) options.directIo = true;
  if (flag(of('read-only'), false)) options.readOnly = true;
  const queue = of('queue-length') ?? defaults?.keys.get('queue-length');
  if (queue !== undefined) options.queueLength = wholeNumber('queue-length', queue.value.trimEnd(), 1, queue);
  const macs = admitted(group, acls, surroundings.ethers ?? new Map());
  if (macs !== undefined) {
    options.macs = macs;
    if (flag(of('broadcast'), false)) options.broadcast = true;
  }
  const mask = surroundings.masked?.(name);
  if (mask !== undefined)
    throw new Doubt(group, `${mask} says whom ${name} serves besides, and a lab can't say that`);
  for (const [key, said] of keys) {
    if (KNOWN.includes(key)) continue;
    const words = TUNING.includes(key) ? `of ${name} can't be said in a lab` : 'is no key of a device';
    remarks.push({ ...at(said), text: `${key} ${words}: left out` });
  }
  const allowed = patternsOf(defaults?.keys.get('interfaces'));
  const { shelf, slot, path } = draft;
  return interfacesOf(group, { ...surroundings, allowed, remarks }).map((iface) => ({
    ...draft,
    shelf,
    slot,
    path,
    options,
    iface,
  }));
}

function pathOf({ name, keys, ...place }: Group, remarks: Remark[]): string {
  const path = keys.get('path');
  const uuid = keys.get('uuid');
  if (path !== undefined && uuid !== undefined)
    throw new Doubt(uuid, `${name} has a path and a UUID, which ggaoed refuses`);
  if (uuid !== undefined) {
    if (!/^[0-9A-Za-z-]+$/.test(uuid.value))
      throw new Doubt(uuid, `${JSON.stringify(uuid.value)} is no UUID`);
    remarks.push({
      ...at(place),
      text: `${name} names its device by UUID; taken as /dev/disk/by-uuid/${uuid.value}`,
    });
    return `/dev/disk/by-uuid/${uuid.value}`;
  }
  if (path === undefined || path.value === '')
    throw new Doubt(place, `${name} has no path, and so exports nothing`);
  if (path.isBroken) throw new Doubt(path, `the path of ${name} has an escape that there is not`);
  return path.value;
}

function remarkGlobals(defaults: Group | undefined, remarks: Remark[]): void {
  for (const [key, said] of defaults?.keys ?? []) {
    if (['interfaces', 'direct-io', 'queue-length', ...DAEMON].includes(key)) continue;
    const text =
      key === 'state-directory'
        ? `config strings and reservations in ${said.value} are not taken over`
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

/** As g_key_file_get_boolean; ggaoed refuses what is neither. */
function flag(said: KeyValue | undefined, otherwise: boolean): boolean {
  if (said === undefined) return otherwise;
  const value = said.value.trimEnd();
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw new Doubt(said, `${JSON.stringify(said.value)} is neither true nor false (${placeOf(said)})`);
}
