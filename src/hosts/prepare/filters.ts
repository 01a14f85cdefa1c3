/** Rules of nftables and ebtables that drop AoE's frames. Rules for IP (iptables, families ip, ip6 and inet) never see them. */
import { parseJson } from '../../base/json.js';

/** EtherType of ATA over Ethernet. */
const AOE = 0x88a2;
/** Marks rules of ours. */
export const COMMENT = 'aoe-lab';

/** A chain in which AoE's frames are dropped. */
export interface Obstacle {
  tool: 'nft' | 'ebtables';
  /** `bridge filter forward`; `filter FORWARD`. */
  chain: readonly string[];
  /** The rule or policy that drops them. */
  why: string;
}

interface NftRule {
  family: string;
  table: string;
  chain: string;
  expr: Record<string, unknown>[];
}

interface NftChain {
  family: string;
  table: string;
  name: string;
  policy?: string;
}

/** Families whose chains see frames that are not IP's. */
const FAMILIES = ['bridge', 'netdev'];

/** @param json what `nft --json list ruleset` printed */
export function nftObstacles(json: string): Obstacle[] {
  const { nftables } = parseJson(json) as { nftables: { rule?: NftRule; chain?: NftChain }[] };
  const rules = nftables.flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
  return nftables.flatMap(({ chain }) => {
    if (chain === undefined || !FAMILIES.includes(chain.family)) return [];
    const { family, table, name, policy } = chain;
    const inside = rules.filter(
      (rule) => rule.family === family && rule.table === table && rule.chain === name,
    );
    const verdict = inside.map(verdictOnAoe).find((found) => found !== undefined);
    const words = [family, table, name];
    if (verdict === 'drop')
      return [{ tool: 'nft' as const, chain: words, why: 'a rule drops EtherType 0x88a2' }];
    if (verdict === undefined && policy === 'drop') {
      return [{ tool: 'nft' as const, chain: words, why: 'its policy is to drop' }];
    }
    return [];
  });
}

/** What a rule does with every AoE frame; undefined if it is about others, or about some of them. */
function verdictOnAoe({ expr }: NftRule): 'accept' | 'drop' | undefined {
  let isAboutAoe = false;
  for (const part of expr) {
    if ('match' in part) {
      const { op, left, right } = part.match as { op: string; left: unknown; right: unknown };
      if (!isEtherType(left) || !((op === '==' || op === 'in') && names(right))) return undefined;
      isAboutAoe = true;
    } else if ('drop' in part || 'reject' in part) return 'drop';
    else if ('accept' in part) return isAboutAoe ? 'accept' : undefined;
    // What counts, logs or limits and then goes on.
    else if (!('counter' in part || 'log' in part)) return undefined;
  }
  return undefined;
}

function isEtherType(left: unknown): boolean {
  const { payload, meta } = left as {
    payload?: { protocol?: string; field?: string };
    meta?: { key?: string };
  };
  return (payload?.protocol === 'ether' && payload.field === 'type') || meta?.key === 'protocol';
}

function names(right: unknown): boolean {
  if (typeof right === 'object' && right !== null && 'set' in right)
    return (right.set as unknown[]).some(names);
  return Number(right) === AOE || right === 'aoe';
}

/** @param text what `ebtables-save` printed */
export function ebtablesObstacles(text: string): Obstacle[] {
  const obstacles: Obstacle[] = [];
  let table = 'filter';
  const policies = new Map<string, string>();
  const verdicts = new Map<string, string>();
  const decide = (): void => {
    for (const [chain, policy] of policies) {
      const verdict = verdicts.get(chain);
      const why = verdict === 'DROP' ? 'a rule drops EtherType 0x88a2' : 'its policy is to drop';
      if (verdict === 'DROP' || (verdict === undefined && policy === 'DROP')) {
        obstacles.push({ tool: 'ebtables', chain: [table, chain], why });
      }
    }
    policies.clear();
    verdicts.clear();
  };
  for (const line of text.split('\n')) {
    const [, named] = /^\*(\S+)/.exec(line) ?? [];
    if (named !== undefined) {
      decide();
      table = named;
    }
    const [, chain = '', policy = ''] = /^:(\S+) (\S+)/.exec(line) ?? [];
    if (chain !== '') policies.set(chain, policy);
    // No other condition than the EtherType, or none at all.
    const rule = /^-A (\S+)(?: -p (\S+))? -j (ACCEPT|DROP)\s*$/.exec(line);
    const [, where = '', type, verdict = ''] = rule ?? [];
    const isAbout = type === undefined || Number(type) === AOE || /^aoe$/i.test(type);
    if (rule !== null && isAbout && !verdicts.has(where)) verdicts.set(where, verdict);
  }
  decide();
  return obstacles;
}

/** The command that lets AoE's frames pass a chain, and that which takes it back. */
export function passage({ tool, chain }: Obstacle): { command: string[]; undo: string[] } {
  if (tool === 'nft') {
    return {
      command: [
        'nft',
        'insert',
        'rule',
        ...chain,
        ...['ether', 'type', '0x88a2', 'accept', 'comment', `"${COMMENT}"`],
      ],
      undo: ['sh', '-c', REMOVE_OURS, 'sh', ...chain],
    };
  }
  const [table = '', name = ''] = chain;
  const rule = ['-p', '0x88A2', '-j', 'ACCEPT'];
  return {
    command: ['ebtables', '-t', table, '-I', name, '1', ...rule],
    undo: ['ebtables', '-t', table, '-D', name, ...rule],
  };
}

/** Family, table, chain: nft deletes a rule by its handle alone. */
const REMOVE_OURS = `nft -a list chain "$1" "$2" "$3" |
sed -n 's/.*comment "${COMMENT}".*# handle \\([0-9]*\\)$/\\1/p' |
while read -r handle; do nft delete rule "$1" "$2" "$3" handle "$handle"; done`;
