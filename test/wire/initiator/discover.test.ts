import test from 'ava';
import { discover } from '../../../src/wire/initiator/index.js';
import { MemorySegment } from '../../../src/wire/link/index.js';
import { type FakeOptions, FakeTarget } from './fake-target.js';
import { INITIATOR_MAC } from './lab.js';

/** A link to fakes with the addresses 02:…:10, 02:…:11 and so on. */
function makeSegment(fakes: readonly FakeOptions[]) {
  const segment = new MemorySegment();
  const link = segment.join(INITIATOR_MAC);
  return {
    link,
    fakes: fakes.map((options, index) => new FakeTarget(segment.join(0x02_00_00_00_00_10 + index), options)),
  };
}

const wait = 60;

test('where nobody answers the list is empty', async (t) => {
  const { link } = makeSegment([]);
  t.deepEqual(await discover(link, { wait }), []);
});

test('a target that can not be identified is listed with the reason', async (t) => {
  const { link } = makeSegment([{ refused: [0xec] }]);
  const [found, ...others] = await discover(link, { wait });
  t.is(others.length, 0);
  t.is(found?.sectors, null);
  t.is(found?.model, null);
  t.regex(String(found?.fault), /identifying e0\.1: .*ABRT/);
});

test('a target is told by all that it says of itself', async (t) => {
  const { link, fakes } = makeSegment([{ shelf: 7, slot: 3, sectors: 100, bufferCount: 24 }]);
  (fakes[0] as FakeTarget).configString = Buffer.from('rack 4');
  t.deepEqual(await discover(link, { wait }), [
    {
      shelf: 7,
      slot: 3,
      mac: '02:00:00:00:00:10',
      bufferCount: 24,
      firmware: 0x4019,
      maxSectors: 2,
      aoeVersion: 1,
      configString: 'rack 4',
      sectors: 100,
      model: 'Fake for tests',
      serial: 'F-1',
      firmwareRevision: 'F1',
      lba48: true,
      fault: null,
      usableByLinux: true,
      sectorsPerFrame: 2,
      sectorsThatPass: null,
      sameAddress: [],
    },
  ]);
});

test('several targets are sorted, answers repeated are folded, one address at two stations stays two', async (t) => {
  const { link } = makeSegment([
    { shelf: 1, slot: 0, fateOut: () => [0, 0, 5] },
    { shelf: 0, slot: 2 },
    { shelf: 0, slot: 1 },
    { shelf: 0, slot: 2 },
  ]);
  const found = await discover(link, { wait });
  t.deepEqual(
    found.map(({ shelf, slot, mac }) => `${shelf}.${slot} ${mac.slice(-2)}`),
    ['0.1 12', '0.2 11', '0.2 13', '1.0 10'],
  );
});

test('only the shelf or slot that was asked for is listed', async (t) => {
  const targets = [
    { shelf: 0, slot: 1 },
    { shelf: 0, slot: 2 },
    { shelf: 1, slot: 1 },
  ];
  const ask = async (options: { shelf?: number; slot?: number }): Promise<string[]> => {
    const found = await discover(makeSegment(targets).link, { wait, ...options });
    return found.map(({ shelf, slot }) => `${shelf}.${slot}`);
  };
  t.deepEqual(await ask({ shelf: 0 }), ['0.1', '0.2']);
  t.deepEqual(await ask({ slot: 1 }), ['0.1', '1.1']);
  t.deepEqual(await ask({ shelf: 1, slot: 1 }), ['1.1']);
  t.deepEqual(await ask({ shelf: 1, slot: 2 }), []);
});

test('a target is found though the first query is lost', async (t) => {
  let lost = false;
  const fateIn = () => {
    if (lost) return [0];
    lost = true;
    return [];
  };
  t.is((await discover(makeSegment([{ fateIn }]).link, { wait })).length, 1);
});
