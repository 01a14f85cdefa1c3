/**
 * qaoed.conf: `default { }`, `device { acl { } }`, `access-list { }`, `interface { }`, `logging { }` (parseconf.c:
 * parseDEV, parsedevacl, qaoed_devdefaults; rcfg/readconf.c: validatetokens).
 */
import { type Assigned, type Block, parseBlocks } from './blocks.js';
import {
  addressPart,
  at,
  attempt,
  Doubt,
  type Draft,
  type Found,
  type FoundExport,
  nothingFound,
  type Remark,
} from './found.js';
import { accessOf, type Rights, rightsOf } from './qaoed-access.js';

/** Names of blocks and settings that it knows (rcfg/rcfgkw.h); for any other it refuses the file. */
const BLOCKS = new Set(['device', 'default', 'acl', 'access-list', 'interface', 'logging']);
const SETTINGS = new Set(
  'slot shelf interface target filename name policy accept reject writecache broadcast log-level syslog-level syslog-facility persistent-cfg write read cfgset cfgread discover log type mtu if include apisocket'.split(
    ' ',
  ),
);
const VALUES: Readonly<Record<string, readonly string[]>> = {
  writecache: ['on', 'off'],
  broadcast: ['on', 'off'],
  policy: ['accept', 'reject'],
};

export function parseQaoed(file: string, text: string): Found {
  const found = nothingFound();
  const { root, faults } = parseBlocks(file, text);
  const all = everyBlock(root);
  faults.push(...unknownWords([root, ...all]));
  const [fault] = faults.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  if (fault !== undefined) {
    found.remarks.push({
      ...at(fault),
      text: `this is no qaoed.conf, nothing of it is taken over: ${fault.text}`,
    });
    return found;
  }
  const lists = accessLists(all);
  const [defaults, second] = all.filter(({ name }) => name === 'default');
  const include = [root, ...all].flatMap(({ assigned }) => assigned).find(({ name }) => name === 'include');
  remarkRest(root, all, found.remarks);
  let nextSlot = numberOf(defaults && last(defaults, 'slot'));
  for (const device of all.filter(({ name }) => name === 'device')) {
    const own = last(device, 'slot');
    // Slots that are not said count up from the default's, also for devices that are no good.
    const slot = own?.value ?? (nextSlot === undefined ? undefined : String(nextSlot++));
    const draft: Draft = { implementation: 'qaoed', place: at(device) };
    attempt(found, draft, () => {
      const one = parseDevice(device, draft, defaults, slot, lists, found.remarks);
      if (second !== undefined) throw new Doubt(second, 'there are two blocks of defaults');
      if (include !== undefined)
        throw new Doubt(include, `${include.value} is included, and may limit whom it serves`);
      return one;
    });
  }
  return found;
}

function unknownWords(blocks: readonly Block[]): Remark[] {
  return blocks.flatMap(({ name, assigned, ...place }) => [
    ...(name === '' || BLOCKS.has(name)
      ? []
      : [{ ...at(place), text: `a block ${name} is none of qaoed's` }]),
    ...assigned.flatMap((one) => {
      const known = Object.hasOwn(VALUES, one.name) ? VALUES[one.name] : undefined;
      if (!SETTINGS.has(one.name)) return [{ ...at(one), text: `${one.name} is none of its settings` }];
      if (known === undefined || known.includes(one.value)) return [];
      return [{ ...at(one), text: `${one.name} is ${known.join(' or ')}, not ${one.value}` }];
    }),
  ]);
}

/** By their names; of two that share one it can't be told which holds. */
function accessLists(all: readonly Block[]): Map<string, Rights> {
  const lists = new Map<string, Rights>();
  for (const block of all.filter(({ name }) => name === 'access-list')) {
    const name = last(block, 'name')?.value;
    if (name === undefined) continue;
    const isTwice = lists.has(name);
    lists.set(name, isTwice ? { doubt: `there are two access lists ${name}` } : rightsOf(block));
  }
  return lists;
}

function parseDevice(
  device: Block,
  draft: Draft,
  defaults: Block | undefined,
  slotText: string | undefined,
  lists: ReadonlyMap<string, Rights>,
  remarks: Remark[],
): FoundExport {
  const setting = (name: string): Assigned | undefined =>
    last(device, name) ?? (defaults && last(defaults, name));
  const place = at(device);
  const path = last(device, 'target')?.value;
  const iface = setting('interface')?.value;
  Object.assign(draft, {
    ...(path === undefined ? {} : { path }),
    ...(iface === undefined ? {} : { iface }),
  });
  draft.shelf = addressPart('shelf', setting('shelf')?.value, setting('shelf') ?? place);
  draft.slot = addressPart('slot', slotText, last(device, 'slot') ?? place);
  if (path === undefined) throw new Doubt(place, 'it names no target');
  if (iface === undefined) throw new Doubt(place, 'it names no interface');
  const sync = setting('writecache')?.value === 'off' ? { sync: true } : {};
  const options = { ...sync, ...accessOf(device, defaults, lists, remarks) };
  for (const { name, value, ...said } of device.assigned) {
    if (['shelf', 'slot', 'target', 'interface', 'writecache'].includes(name)) continue;
    if (name !== 'broadcast')
      remarks.push({ ...at(said), text: `${name} of a device can't be said in a lab: left out` });
    else if (value === 'off')
      remarks.push({ ...at(said), text: 'broadcast = off: it announces itself all the same' });
  }
  return { ...draft, shelf: draft.shelf, slot: draft.slot, iface, path, options };
}

/** What is said beside devices and can't be said in a lab. */
function remarkRest(root: Block, all: readonly Block[], remarks: Remark[]): void {
  for (const { name, ...said } of root.assigned) {
    if (['apisocket', 'log-level', 'include'].includes(name)) continue;
    remarks.push({ ...at(said), text: `${name} can't be said in a lab: left out` });
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
