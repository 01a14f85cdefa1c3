import test from 'ava';
import { ebtablesObstacles, nftObstacles, passage } from '../../../src/hosts/prepare/filters.js';

const aoeType = {
  match: { op: '==', left: { payload: { protocol: 'ether', field: 'type' } }, right: 34978 },
};
const aoeMeta = { match: { op: '==', left: { meta: { key: 'protocol' } }, right: 34978 } };
const ipType = { match: { op: '==', left: { meta: { key: 'protocol' } }, right: 'ip' } };
const inSet = {
  match: {
    op: '==',
    left: { payload: { protocol: 'ether', field: 'type' } },
    right: { set: ['arp', 34978] },
  },
};
const notAoe = { match: { ...aoeType.match, op: '!=' } };
const onlyFrom = { match: { op: '==', left: { meta: { key: 'iifname' } }, right: 'eth1' } };
const counter = { counter: { packets: 0, bytes: 0 } };
const [drop, accept, reject, jump] = [
  { drop: null },
  { accept: null },
  { reject: null },
  { jump: { target: 'x' } },
];

function ruleset(rules: object[][], { family = 'bridge', policy = 'accept' } = {}): string {
  const place = { family, table: 'f', chain: 'forward' };
  return JSON.stringify({
    nftables: [
      { metainfo: { version: '1.0.6' } },
      { table: { family, name: 'f' } },
      { chain: { family, table: 'f', name: 'forward', type: 'filter', hook: 'forward', policy } },
      ...rules.map((expr, index) => ({ rule: { ...place, handle: index, expr } })),
    ],
  });
}

const NFT: [string, object[][], { family?: string; policy?: string }, boolean][] = [
  ['no rule', [], {}, false],
  ['a rule that drops AoE', [[aoeType, drop]], {}, true],
  ['by the protocol', [[aoeMeta, counter, drop]], {}, true],
  ['in a set', [[inSet, drop]], {}, true],
  ['rejected', [[aoeType, reject]], {}, true],
  ['all is dropped', [[drop]], {}, true],
  ['IP is dropped', [[ipType, drop]], {}, false],
  ['all but AoE is dropped', [[notAoe, drop]], {}, false],
  ['some AoE is dropped', [[onlyFrom, aoeType, drop]], {}, false],
  [
    'accepted before it is dropped',
    [
      [aoeType, accept],
      [aoeType, drop],
    ],
    {},
    false,
  ],
  [
    'accepted after it is dropped',
    [
      [aoeType, drop],
      [aoeType, accept],
    ],
    {},
    true,
  ],
  ['another chain is asked', [[aoeType, jump]], {}, false],
  ['a policy of dropping', [], { policy: 'drop' }, true],
  ['a policy of dropping, AoE accepted', [[aoeType, accept]], { policy: 'drop' }, false],
  ['a policy of dropping, IP accepted', [[ipType, accept]], { policy: 'drop' }, true],
  ['rules for IP alone', [[drop]], { family: 'inet', policy: 'drop' }, false],
  ['at the entrance of a card', [[aoeType, drop]], { family: 'netdev' }, true],
];

for (const [title, rules, place, expected] of NFT) {
  test(`nft: ${title}: ${expected ? 'AoE is kept out' : 'AoE passes'}`, (t) => {
    const found = nftObstacles(ruleset(rules, place));
    t.is(found.length, expected ? 1 : 0);
    if (expected) t.deepEqual(found[0]?.chain, [place.family ?? 'bridge', 'f', 'forward']);
  });
}

const EBTABLES: [string, string, string[]][] = [
  ['nothing', '', []],
  ['an empty table', '*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n', []],
  ['a rule that drops AoE', '*filter\n:FORWARD ACCEPT\n-A FORWARD -p 0x88a2 -j DROP\n', ['filter FORWARD']],
  ['by its name', '*filter\n:INPUT ACCEPT\n-A INPUT -p AOE -j DROP\n', ['filter INPUT']],
  ['a policy', '*filter\n:FORWARD DROP\n-A FORWARD -p IPv4 -j ACCEPT\n', ['filter FORWARD']],
  ['a policy, AoE accepted', '*filter\n:FORWARD DROP\n-A FORWARD -p 0x88A2 -j ACCEPT\n', []],
  ['others are dropped', '*filter\n:FORWARD ACCEPT\n-A FORWARD -p IPv6 -j DROP\n', []],
  ['some AoE is dropped', '*filter\n:FORWARD ACCEPT\n-A FORWARD -p 0x88a2 -i eth1 -j DROP\n', []],
  [
    'two tables',
    '*nat\n:PREROUTING ACCEPT\n-A PREROUTING -p 0x88a2 -j DROP\n*filter\n:INPUT DROP\n',
    ['nat PREROUTING', 'filter INPUT'],
  ],
];

for (const [title, text, expected] of EBTABLES) {
  test(`ebtables: ${title}`, (t) => {
    t.deepEqual(
      ebtablesObstacles(text).map(({ chain }) => chain.join(' ')),
      expected,
    );
  });
}

test('commands that let AoE pass, and take it back', (t) => {
  const nft = passage({ tool: 'nft', chain: ['bridge', 'f', 'forward'], why: '' });
  t.deepEqual(nft.command.slice(0, 6), ['nft', 'insert', 'rule', 'bridge', 'f', 'forward']);
  t.deepEqual(nft.undo.slice(-3), ['bridge', 'f', 'forward']);
  const { command, undo } = passage({ tool: 'ebtables', chain: ['filter', 'FORWARD'], why: '' });
  t.is(command.join(' '), 'ebtables -t filter -I FORWARD 1 -p 0x88A2 -j ACCEPT');
  t.is(undo.join(' '), 'ebtables -t filter -D FORWARD -p 0x88A2 -j ACCEPT');
});
