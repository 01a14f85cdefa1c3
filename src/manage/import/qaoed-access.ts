/** Whom qaoed's access lists admit, and to what (parseconf.c: parsedevacl, parseACL; acl.c: aclmatch). */
import type { ExportOptions } from '../../serve/exports/entry.js';
import type { Assigned, Block } from './blocks.js';
import { at, Doubt, normalMac, type Remark, unusable } from './found.js';

/** Whom a list admits, or why that can't be told. */
export type Rights = { only: string[] } | { allBut: string[] } | { doubt: string };

const ALL: { allBut: string[] } = { allBut: [] };
const OPERATIONS = ['read', 'write', 'cfgread', 'cfgset'] as const;
type Operation = (typeof OPERATIONS)[number];
/** Nobody's address, which a list that admits nobody has to have. */
const NOBODY = '00:00:00:00:00:00';

/**
 * What a lab can say of a device's lists: one list for all operations, of those that every list admits.
 * @throws Doubt if nobody may do all, or a lab would admit more
 */
export function accessOf(
  device: Block,
  defaults: Block | undefined,
  lists: ReadonlyMap<string, Rights>,
  remarks: Remark[],
): Pick<ExportOptions, 'macs' | 'readOnly'> {
  const rights = new Map<Operation, Exclude<Rights, { doubt: string }>>();
  for (const operation of OPERATIONS) {
    const said = ruleOf(device, operation) ?? (defaults && ruleOf(defaults, operation));
    const list = said === undefined ? ALL : lists.get(said.value);
    if (said !== undefined && list === undefined)
      throw new Doubt(said, `there is no access list ${said.value}`);
    if (list !== undefined && 'doubt' in list)
      throw new Doubt(said ?? device, `whom it serves can't be told: ${list.doubt}`);
    rights.set(operation, list ?? ALL);
  }
  const write = rights.get('write');
  const readOnly = write !== undefined && 'only' in write && write.only.every((mac) => mac === NOBODY);
  const relevant = [...rights].flatMap(([operation, one]) =>
    readOnly && operation === 'write' ? [] : [one],
  );
  const refused = new Set(relevant.flatMap((one) => ('allBut' in one ? one.allBut : [])));
  const limits = relevant.flatMap((one) => ('only' in one ? [one.only] : []));
  const found = readOnly ? { readOnly } : {};
  const [first, ...others] = limits;
  if (first === undefined) {
    if (refused.size === 0) return found;
    throw new Doubt(device, `it refuses ${[...refused].join(', ')}; a lab can only say who is admitted`);
  }
  const macs = first.filter(
    (mac) => mac !== NOBODY && !refused.has(mac) && others.every((list) => list.includes(mac)),
  );
  if (macs.length === 0)
    throw new Doubt(device, 'nobody may do all that its access lists tell apart, and a lab has one list');
  if (limits.length < relevant.length || limits.some((list) => list.some((mac) => !macs.includes(mac)))) {
    const text = `its operations have different access lists; a lab has one for all, of those whom all admit: ${macs.join(', ')}`;
    remarks.push({ ...at(device), text });
  }
  return { ...found, macs };
}

function ruleOf(block: Block, operation: Operation): Assigned | undefined {
  const rules = block.blocks.filter(({ name }) => name === 'acl').flatMap(({ assigned }) => assigned);
  return rules.findLast(({ name }) => name === operation || (operation === 'cfgread' && name === 'discover'));
}

/** The first line that names an initiator holds for it; the policy holds for all others. Default: to reject them. */
export function rightsOf(block: Block): Rights {
  const accepted = new Map<string, boolean>();
  for (const { name, value } of block.assigned) {
    if (name !== 'accept' && name !== 'reject') continue;
    const mac = normalMac(value);
    if (mac === undefined) return { doubt: `${JSON.stringify(value)} is no MAC address` };
    const why = mac === NOBODY ? undefined : unusable(mac);
    if (why !== undefined) return { doubt: `it names ${mac}: ${why}` };
    if (!accepted.has(mac)) accepted.set(mac, name === 'accept');
  }
  const those = (isAccepted: boolean): string[] =>
    [...accepted].flatMap(([mac, is]) => (is === isAccepted ? [mac] : []));
  const policy = block.assigned.findLast(({ name }) => name === 'policy')?.value;
  return policy === 'accept' ? { allBut: those(false) } : { only: those(true) };
}
