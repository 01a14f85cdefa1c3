import test from 'ava';
import type { Frame, Identify } from '../../../src/wire/aoe/index.js';
import { isUsableByLinux } from '../../../src/wire/initiator/config.js';
import { distinctDisks, type Station, whoAnswers } from '../../../src/wire/initiator/who-answers.js';
import { MemorySegment } from '../../../src/wire/link/index.js';
import { type FakeOptions, FakeTarget } from './fake-target.js';
import { INITIATOR_MAC } from './lab.js';

const E01 = { shelf: 0, slot: 1 };
const ASKED = { wait: 60, identify: true };

/** A link to fakes with the addresses 02:…:10, 02:…:11 and so on. */
function makeSegment(...fakes: FakeOptions[]) {
  const segment = new MemorySegment();
  const link = segment.join(INITIATOR_MAC);
  const made = fakes.map(
    (options, index) => new FakeTarget(segment.join(0x02_00_00_00_00_10 + index), options),
  );
  return { segment, link, fakes: made };
}

const serials = (stations: readonly Station[]) => stations.map(({ identity }) => identity?.serial);

test('B1: every station that answers for an address is told, with its disk, and no other', async (t) => {
  const { link } = makeSegment({}, { identify: { serial: 'F-2' } }, { slot: 2 });
  const stations = await whoAnswers(link, E01, ASKED);
  t.deepEqual(serials(stations), ['F-1', 'F-2']);
  t.like(stations[1], { shelf: 0, slot: 1, mac: 0x02_00_00_00_00_11, fault: undefined });
  t.is(stations[1]?.config?.bufferCount, 16);
  t.is(distinctDisks(stations).length, 2);
  t.is((await whoAnswers(link, { shelf: undefined, slot: undefined }, ASKED)).length, 3);
});

test('B2: one station that tells of two disks is listed with both', async (t) => {
  const { segment, link } = makeSegment({});
  // Two processes at one interface: both hear, and both answer from its address.
  new FakeTarget(segment.join(0x02_00_00_00_00_10), { identify: { serial: 'F-2' } });
  const stations = await whoAnswers(link, E01, ASKED);
  t.deepEqual(serials(stations).sort(), ['F-1', 'F-2']);
  t.is(new Set(stations.map(({ mac }) => mac)).size, 1);
  t.is(distinctDisks(stations).length, 2);
});

test('without identities nothing but the configuration is asked for', async (t) => {
  const { link, fakes } = makeSegment({});
  const [station] = await whoAnswers(link, E01, { wait: 30, identify: false });
  t.like(station, { identity: undefined, fault: undefined });
  t.is(fakes[0]?.ataRequests.length, 0);
});

test('a station that does not tell its disk is listed with the reason', async (t) => {
  const { link } = makeSegment({ refused: [0xec] }, { fateOut: ({ kind }) => (kind === 'ata' ? [] : [0]) });
  const [refuses, isSilent] = await whoAnswers(link, E01, ASKED);
  t.regex(String(refuses?.fault?.message), /identifying e0\.1: .*ABRT/);
  t.regex(
    String(isSilent?.fault?.message),
    /identifying e0\.1: e0\.1 did not answer within [\d.]+ s, asked \d+ times/,
  );
});

test('B13: a link that carries no sector, and answers that can not be read, are faults of that station', async (t) => {
  const segment = new MemorySegment(500);
  const link = segment.join(INITIATOR_MAC);
  new FakeTarget(segment.join(0x02_00_00_00_00_10));
  const strange: FakeTarget = new FakeTarget(segment.join(0x02_00_00_00_00_11), {
    answer: (request): Frame => ({
      ...strange.envelope(request),
      kind: 'unknown',
      // A config section whose string would be longer than the frame.
      body: Buffer.from('0000000000100400'.padEnd(72, '0'), 'hex'),
    }),
  });
  const [small, unreadable] = await whoAnswers(link, E01, ASKED);
  t.regex(String(small?.fault?.message), /no sector fits into the MTU of 500 bytes/);
  t.is(small?.config?.bufferCount, 16);
  t.is(unreadable?.config, undefined);
  t.regex(String(unreadable?.fault?.message), /can't be read: string length: 1024 bytes are announced/);
});

const station = (mac: number, identity: Partial<Identify> | undefined, slot = 1): Station =>
  ({ shelf: 0, slot, mac, identity: identity && { ...DISK, ...identity } }) as Station;
const DISK = {
  model: 'M',
  serial: 'S',
  firmwareRevision: '1',
  lba48: true,
  lba28Sectors: 8,
  lba48Sectors: 8,
};

const judged: [title: string, stations: Station[], disks: number][] = [
  ['nobody', [], 0],
  ['one', [station(1, {})], 1],
  ['two addresses of one disk', [station(1, {}), station(2, {})], 1],
  [
    'one disk whose firmware was updated in between',
    [station(1, {}), station(2, { firmwareRevision: '2' })],
    1,
  ],
  ['another serial number', [station(1, {}), station(2, { serial: 'T' })], 2],
  ['another model', [station(1, {}), station(2, { model: 'N' })], 2],
  ['another size', [station(1, {}), station(2, { lba48Sectors: 9 })], 2],
  ['two without a serial number', [station(1, { serial: '' }), station(2, { serial: '' })], 2],
  ['one that did not tell', [station(1, {}), station(2, undefined)], 2],
  ['two that did not tell', [station(1, undefined), station(2, undefined)], 2],
  ['the same disk at another address', [station(1, {}), station(1, {}, 2)], 2],
  ['two paths to one, and another', [station(1, {}), station(2, { serial: 'T' }), station(3, {})], 2],
];
for (const [title, stations, disks] of judged) {
  test(`distinct disks: ${title}`, (t) => {
    t.is(distinctDisks(stations).length, disks);
    t.is(distinctDisks(stations).flat().length, stations.length);
  });
}

test('B10: of a target that offers one buffer Linux makes no device', (t) => {
  t.deepEqual(
    [0, 1, 2].map((bufferCount) => isUsableByLinux({ bufferCount })),
    [false, false, true],
  );
});
