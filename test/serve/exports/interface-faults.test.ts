import test from 'ava';
import type { InterfaceFacts } from '../../../src/hosts/host/interface-facts.js';
import { type InterfaceSnapshot, interfaceFaults } from '../../../src/serve/exports/interface-faults.js';
import type { Identify } from '../../../src/wire/aoe/index.js';
import type { Station } from '../../../src/wire/initiator/who-answers.js';
import { eth0 } from '../../hosts/host/eth0.js';
import { entryOf } from './entries.js';

const OWN = eth0.mac;
const { control } = entryOf({});
const started = { index: 2, mac: OWN, mtu: 1500, pids: [7] };

function faults(part: Partial<InterfaceSnapshot>): [string, string | null][] {
  const snapshot: InterfaceSnapshot = {
    entry: entryOf({ started, control: { ...control, keeps: ['mac', 'mtu'] } }),
    interfaces: [eth0],
    pids: [7],
    wire: { answer: 'unchecked', unchecked: null, isAsked: true, stations: [] },
    foreign: [],
    beside: new Set(),
    ...part,
  };
  return interfaceFaults(snapshot).map(({ text, remedy }) => [text, remedy]);
}

/** @param serial of its disk; undefined if it did not tell */
function station(mac: number, serial: string | undefined, maxSectors = 2): Station {
  const identity = {
    model: 'm',
    serial,
    lba48: false,
    lba28Sectors: 8,
    lba48Sectors: 0,
  } as unknown as Identify;
  const config = { bufferCount: 16, firmware: 0, maxSectors, aoeVersion: 1, configString: Buffer.alloc(0) };
  const link = { name: 'eth1' } as Station['link'];
  const mine = serial === undefined ? undefined : identity;
  return { link, shelf: 0, slot: 1, mac, config, identity: mine, fault: undefined };
}
const heard = (...stations: Station[]): InterfaceSnapshot['wire'] => ({
  answer: 'answers',
  unchecked: null,
  isAsked: true,
  stations,
});

test('all as it was when it started: no fault', (t) => {
  t.deepEqual(faults({ wire: heard(station(0x02_00_00_00_00_01, 'a')) }), []);
});

test('gone, renamed, down, a port, not to be looked at: for a person to see to', (t) => {
  t.deepEqual(faults({ interfaces: [] }), [['the interface eth0 is gone', 'interface']]);
  t.deepEqual(faults({ interfaces: [{ ...eth0, name: 'lan0' }] }), [
    ['the interface eth0 is gone: it is called lan0 now; unexport e0.1@eth0 and export on that', 'interface'],
  ]);
  t.deepEqual(faults({ interfaces: [{ ...eth0, name: 'lan0', altnames: ['eth0'] }] }), []);
  t.deepEqual(faults({ interfaces: [{ ...eth0, up: false }] }), [
    ['the interface eth0 is down: ip link set eth0 up', 'interface'],
  ]);
  t.deepEqual(faults({ interfaces: [{ ...eth0, master: { name: 'br0', kind: 'bridge' } }] }), [
    ['eth0 is a port of br0: export on br0', 'interface'],
  ]);
  t.deepEqual(faults({ interfaces: { reason: 'no ip' } }), [
    ["its interface can't be looked at: no ip", 'interface'],
  ]);
});

test('no carrier: the end, the port or the interface below that is down, and how it comes up', (t) => {
  const off = { ...eth0, carrier: false };
  const told = (one: Partial<InterfaceFacts>, ...others: InterfaceFacts[]) =>
    faults({ interfaces: [{ ...off, ...one }, ...others] });
  const no = 'the interface eth0 has no carrier';
  t.deepEqual(told({}), [[`${no}: look at its cable and its other end`, 'interface']]);
  t.deepEqual(told({ kind: 'veth', peer: { index: 3, name: 'eth1' } }), [
    [`${no}: its other end eth1 is down: ip link set eth1 up`, 'interface'],
  ]);
  t.deepEqual(told({ kind: 'veth', peer: { index: 3, namespaceId: 0 } }), [
    [`${no}: its other end, in another namespace, is down: bring that up there`, 'interface'],
  ]);
  t.deepEqual(told({ kind: 'bridge' }), [[`${no}: it has no port: add one to it`, 'interface']]);
  const port = { ...eth0, name: 'p0', index: 5, master: { name: 'eth0', kind: 'bridge' } };
  t.deepEqual(told({ kind: 'bridge' }, { ...port, up: false }), [
    [`${no}: none of its ports (p0) has one: ip link set p0 up`, 'interface'],
  ]);
  t.deepEqual(told({ kind: 'vlan', lower: 'p0' }, { ...eth0, name: 'p0', up: false }), [
    [`${no}: the interface p0 is down: ip link set p0 up`, 'interface'],
  ]);
  // That it is silent then is no fault of its target, which a restart would not repair.
  const silent: InterfaceSnapshot['wire'] = {
    answer: 'silent',
    unchecked: null,
    isAsked: true,
    stations: [],
  };
  t.deepEqual(
    faults({ interfaces: [off], wire: silent }).map(([, remedy]) => remedy),
    ['interface'],
  );
});

test('B8: a new address is a fault of targets that keep the old one, until they are started again', (t) => {
  const interfaces = [{ ...eth0, mac: '02:00:00:00:00:02' }];
  t.deepEqual(faults({ interfaces }), [
    [
      `it answers from ${OWN}, and the address of eth0 is 02:00:00:00:00:02 now: aoe-lab restart e0.1@eth0`,
      'restart',
    ],
  ]);
  t.deepEqual(faults({ interfaces, pids: [8] }), []);
  t.deepEqual(faults({ interfaces, entry: entryOf({ started }) }), []);
  t.deepEqual(faults({ interfaces, entry: entryOf({ control: { ...control, keeps: ['mac'] } }) }), []);
});

test('B14: another MTU is a fault of targets that keep the old one, unless the wire says otherwise', (t) => {
  const interfaces = [{ ...eth0, mtu: 9000 }];
  t.deepEqual(faults({ interfaces }), [
    ['the MTU of eth0 is 9000, and was 1500 when its target started: aoe-lab restart e0.1@eth0', 'restart'],
  ]);
  t.deepEqual(faults({ interfaces, wire: heard(station(0x02_00_00_00_00_01, 'a', 17)) }), []);
  // More than fits is wrong for any target.
  const follower = entryOf({ started, control });
  t.deepEqual(faults({ entry: follower, wire: heard(station(0x02_00_00_00_00_01, 'a', 17)) }), [
    [
      'the MTU of eth0 is 1500; it offers 17 sectors a frame where 2 fit: aoe-lab restart e0.1@eth0',
      'restart',
    ],
  ]);
  t.deepEqual(faults({ entry: follower, interfaces, wire: heard(station(0x02_00_00_00_00_01, 'a', 2)) }), []);
});

test('B1: another station is a fault if it has another disk, or does not tell which', (t) => {
  const own = station(0x02_00_00_00_00_01, 'a');
  const [[text, remedy] = []] = faults({ wire: heard(own, station(9, 'b')) });
  t.is(remedy, null);
  t.regex(
    text ?? '',
    /another station answers for e0.1: 00:00:00:00:00:09 on eth1: "m" with serial "b" and 8 sectors/,
  );
  t.deepEqual(faults({ wire: heard(own, station(9, 'a')) }), []);
  t.is(faults({ wire: heard(own, station(9, undefined)) }).length, 1);
});

test('A14: a second interface of this host with the same disk is no other station', (t) => {
  const beside = new Set(['00:00:00:00:00:09']);
  t.deepEqual(faults({ beside, wire: heard(station(0x02_00_00_00_00_01, 'a'), station(9, 'a')) }), []);
  t.deepEqual(
    faults({ beside, wire: heard(station(0x02_00_00_00_00_01, undefined), station(9, undefined)) }),
    [],
  );
});

test('B2: two disks behind our own address are told, whoever serves the other', (t) => {
  const own = 0x02_00_00_00_00_01;
  const [[text] = []] = faults({ wire: heard(station(own, 'a'), station(own, 'b')) });
  t.regex(text ?? '', /two targets answer for e0.1 from 02:00:00:00:00:01: .*"a".*, and .*"b"/);
  const argv = ['vblade', '0', '1', 'eth0', 'x'];
  const foreign = {
    pid: 12,
    argv,
    cwd: '/',
    cgroup: '',
    mark: undefined,
    interfaces: [2],
    addresses: undefined,
  };
  t.deepEqual(faults({ foreign: [foreign] }), [
    [
      'process 12 (vblade 0 1 eth0 x) may answer for e0.1 on eth0 too: kill 12, and see to it that nothing starts vblade again',
      null,
    ],
  ]);
});

test('silence is a fault where it proves something', (t) => {
  t.deepEqual(faults({ wire: { answer: 'silent', unchecked: null, isAsked: true, stations: [] } }), [
    ['it did not answer on the wire', 'restart'],
  ]);
  t.deepEqual(
    faults({ wire: { answer: 'unchecked', unchecked: 'over a bridge', isAsked: true, stations: [] } }),
    [],
  );
});
