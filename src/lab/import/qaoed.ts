/**
 * qaoed.conf: `default { }`, `device { acl { } }`, `access-list { }`, `interface { }`, `logging { }` (parseconf.c:
 * parseDEV, parsedevacl, qaoed_devdefaults; acl.c: aclmatch).
 */
import { type Assigned, type Block, parseBlocks } from './blocks.js';
import { addressPart, type Found, type FoundExport, normalMac, type Place, type Remark } from './found.js';

export function parseQaoed(file: string, text: string): Found {
  const remarks: Remark[] = [];
  const root = parseBlocks(file, text, remarks);
  const all = everyBlock(root);
  const lists = new Map<string, Rights>();
  for (const block of all.filter(({ name }) => name === 'access-list')) {
    const name = last(block, 'name')?.value;
    if (name === undefined) remarks.push({ ...at(block), text: 'an access list without a name: left out' });
    else lists.set(name, rightsOf(block, remarks));
  }
  const defaults = all.find(({ name }) => name === 'default');
  remarkRest(root, all, remarks);
  let nextSlot = numberOf(defaults && last(defaults, 'slot'));
  const exports: FoundExport[] = [];
  for (const device of all.filter(({ name }) => name === 'device')) {
    const own = last(device, 'slot');
    // Slots that are not said count up from the default's, also for devices that are no good.
    const slotText = own?.value ?? (nextSlot === undefined ? '' : String(nextSlot++));
    const one = parseDevice(device, defaults, slotText, lists, remarks);
    if (one !== undefined) exports.push(one);
  }
  return { exports, remarks };
}

function parseDevice(
  device: Block,
  defaults: Block | undefined,
  slotText: string,
  lists: ReadonlyMap<string, Rights>,
  remarks: Remark[],
): FoundExport | undefined {
  const setting = (name: string): Assigned | undefined =>
    last(device, name) ?? (defaults === undefined ? undefined : last(defaults, name));
  const place = at(device);
  const target = last(device, 'target');
  const iface = setting('interface');
  const shelf = addressPart('shelf', setting('shelf')?.value ?? '', setting('shelf') ?? place, remarks);
  const slot = addressPart('slot', slotText, last(device, 'slot') ?? place, remarks);
  if (target === undefined) remarks.push({ ...place, text: 'a device without a target: left out' });
  if (iface === undefined) remarks.push({ ...place, text: 'a device without an interface: left out' });
  for (const { name, ...said } of device.assigned) {
    if (['shelf', 'slot', 'target', 'interface', 'writecache'].includes(name)) continue;
    if (name === 'broadcast') {
      if (last(device, name)?.value === 'off') {
        remarks.push({ ...at(said), text: 'broadcast = off: it announces itself all the same' });
      }
    } else remarks.push({ ...at(said), text: `${name} of a device can't be said in a lab: left out` });
  }
  if (shelf === undefined || slot === undefined || target === undefined || iface === undefined)
    return undefined;
  const options: FoundExport['options'] = {};
  if (setting('writecache')?.value === 'off') options.sync = true;
  Object.assign(options, accessOf(device, defaults, lists, remarks));
  return { implementation: 'qaoed', shelf, slot, iface: iface.value, path: target.value, options, place };
}

/** Whom an access list admits. */
type Rights = { to: 'all' } | { to: 'some'; macs: string[] };

const EVERYBODY: Rights = { to: 'all' };
const OPERATIONS = ['read', 'write', 'cfgread', 'cfgset'] as const;
type Operation = (typeof OPERATIONS)[number];
/** Nobody's address, which a list that admits nobody has to have. */
const NOBODY = '00:00:00:00:00:00';

function accessOf(
  device: Block,
  defaults: Block | undefined,
  lists: ReadonlyMap<string, Rights>,
  remarks: Remark[],
): Pick<FoundExport['options'], 'macs' | 'readOnly'> {
  const rights = (operation: Operation): Rights => {
    const said =
      ruleOf(device, operation) ?? (defaults === undefined ? undefined : ruleOf(defaults, operation));
    if (said === undefined) return EVERYBODY;
    const list = lists.get(said.value);
    if (list === undefined)
      remarks.push({ ...at(said), text: `there is no access list ${said.value}: IT ADMITS ALL` });
    return list ?? EVERYBODY;
  };
  const [read, write, cfgread, cfgset] = OPERATIONS.map(rights) as [Rights, Rights, Rights, Rights];
  const readOnly = write.to === 'some' && write.macs.every((mac) => mac === NOBODY);
  const relevant = readOnly ? [read, cfgread, cfgset] : [read, write, cfgread, cfgset];
  const limited = relevant.flatMap((one) => (one.to === 'some' ? [one] : []));
  const found = readOnly ? { readOnly } : {};
  const [first] = limited;
  if (first === undefined) return found;
  const isSame = limited.every(({ macs }) => [...macs].sort().join() === [...first.macs].sort().join());
  if (limited.length < relevant.length || !isSame) {
    const text = `its operations have different access lists; a lab knows one for all, here that of ${first.macs.join(', ') || 'nobody'}`;
    remarks.push({ ...at(device), text });
  }
  return { ...found, macs: first.macs.length === 0 ? [NOBODY] : first.macs };
}

function ruleOf(block: Block, operation: Operation): Assigned | undefined {
  const rules = block.blocks.filter(({ name }) => name === 'acl').flatMap(({ assigned }) => assigned);
  return rules.findLast(({ name }) => name === operation || (operation === 'cfgread' && name === 'discover'));
}

/** The first line that names an initiator holds for it; the policy holds for all others, and is to reject them. */
function rightsOf(block: Block, remarks: Remark[]): Rights {
  const accepted = new Map<string, boolean>();
  for (const { name, value, ...said } of block.assigned) {
    if (name !== 'accept' && name !== 'reject') continue;
    const mac = normalMac(value);
    if (mac === undefined)
      remarks.push({ ...at(said), text: `${JSON.stringify(value)} is no MAC address: left out` });
    else if (!accepted.has(mac)) accepted.set(mac, name === 'accept');
  }
  const macs = [...accepted].filter(([, isAccepted]) => isAccepted).map(([mac]) => mac);
  if (last(block, 'policy')?.value !== 'accept') return { to: 'some', macs };
  const refused = [...accepted].filter(([, isAccepted]) => !isAccepted).map(([mac]) => mac);
  if (refused.length > 0) {
    const text = `it refuses ${refused.join(', ')}; a lab can only say who is admitted: IT ADMITS ALL`;
    remarks.push({ ...at(block), text });
  }
  return EVERYBODY;
}

/** What is said beside devices and can't be said in a lab. */
function remarkRest(root: Block, all: readonly Block[], remarks: Remark[]): void {
  for (const { name, value, ...said } of root.assigned) {
    if (name === 'apisocket' || name === 'log-level') continue;
    const text =
      name === 'include'
        ? `${value} is not followed: import it by --path`
        : `${name} can't be said in a lab: left out`;
    remarks.push({ ...at(said), text });
  }
  for (const block of all) {
    if (block.name === 'interface') {
      const mtu = last(block, 'mtu');
      if (mtu !== undefined && mtu.value !== 'auto') {
        remarks.push({ ...at(mtu), text: `mtu = ${mtu.value}: it takes that of the interface` });
      }
    } else if (block.name === 'default') {
      for (const { name, ...said } of block.assigned) {
        if (['shelf', 'slot', 'interface', 'writecache', 'broadcast'].includes(name)) continue;
        remarks.push({ ...at(said), text: `${name} of the defaults can't be said in a lab: left out` });
      }
    } else if (!['device', 'acl', 'access-list', 'logging'].includes(block.name)) {
      remarks.push({ ...at(block), text: `a block ${block.name} is none of qaoed's: left out` });
    }
  }
}

/** Also those within others, as qaoed looks for them. */
function everyBlock(root: Block): Block[] {
  return root.blocks.flatMap((block) => [block, ...everyBlock(block)]);
}

function last(block: Block, name: string): Assigned | undefined {
  return block.assigned.findLast((one) => one.name === name);
}

/** As atoi: 0 if it is no number. */
function numberOf(said: Assigned | undefined): number | undefined {
  if (said === undefined) return undefined;
  const value = Number.parseInt(said.value, 10);
  return Number.isNaN(value) ? 0 : value;
}

function at({ file, line }: Place): Place {
  return line === undefined ? { file } : { file, line };
}
