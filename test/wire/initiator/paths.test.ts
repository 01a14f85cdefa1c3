import test, { type ExecutionContext } from 'ava';
import { LabError } from '../../../src/base/errors.js';
import {
  ForeignDeviceError,
  NoAnswerError,
  type OpenOptions,
  openTarget,
  readStream,
} from '../../../src/wire/initiator/index.js';
import type { FaultPlan } from '../../../src/wire/link/fault-plan.js';
import { Hub, type HubPort } from '../../../src/wire/link/hub.js';
import type { Link } from '../../../src/wire/link/link.js';
import { FakeTarget } from './fake-target.js';
import { pattern } from './lab.js';

/** Several paths, one test at a time since they judge by silence: each a hub of its own with a client's and a target's interface; the targets serve one disk. */

const ADDRESS = { shelf: 0, slot: 1 };
const SECTORS = 4096;

interface Way {
  hub: Hub;
  link: Link;
  port: HubPort;
  fake: FakeTarget;
}

interface WayOptions {
  mtu?: number;
  faults?: FaultPlan;
}

function makeWays(t: ExecutionContext, ...options: readonly WayOptions[]): Way[] {
  const ways = options.map(({ mtu = 9000, faults = [] }, index) => {
    const hub = new Hub({ seed: index });
    const link = hub.plug(0x02_00_00_00_01_00 + index, { name: 'client', mtu, faults });
    const fakeLink = hub.plug(0x02_00_00_00_02_00 + index, { name: 'target', mtu });
    const fake = new FakeTarget(fakeLink, { sectors: SECTORS, maxSectors: 16 });
    t.teardown(() => hub.close());
    return { hub, link, port: hub.port('client'), fake };
  });
  for (const { fake } of ways.slice(1)) Object.assign(fake, { disk: ways[0]?.fake.disk });
  return ways;
}

const QUICK: OpenOptions = { silence: 100, retry: 20, timeout: 10_000 };

function open(ways: readonly Way[], options: OpenOptions = QUICK) {
  return openTarget(
    ways.map(({ link }) => link),
    ADDRESS,
    options,
  );
}

/** Waits until something holds, looking after each turn of some milliseconds. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test.serial('requests are spread over the paths', async (t) => {
  const ways = makeWays(t, {}, {}, {});
  // However slow this machine is, none counts as silent.
  const target = await open(ways, { ...QUICK, silence: 60_000 });
  const disk = (ways[0] as Way).fake.disk;
  disk.set(pattern(disk.length));
  t.true((await target.read(0, SECTORS)).equals(disk));
  const counts = ways.map(({ fake }) => fake.ataRequests.filter(({ ata }) => ata.cmdStatus === 0x24).length);
  t.is(
    counts.reduce((sum, count) => sum + count),
    SECTORS / 16,
  );
  t.true(
    counts.every((count) => count > 40),
    counts.join(' '),
  );
  t.deepEqual(
    target.paths.map(({ isUsed, left }) => [isUsed, left]),
    [
      [true, 0],
      [true, 0],
      [true, 0],
    ],
  );
});

test.serial(
  'a path that is cut during I/O is left: all goes on by the other, and data are right',
  async (t) => {
    const ways = makeWays(t, {}, {});
    const [one, two] = ways as [Way, Way];
    const target = await open(ways);
    one.fake.disk.set(pattern(one.fake.disk.length));
    const chunks: Buffer[] = [];
    for await (const chunk of readStream(target, { from: 0, count: SECTORS })) {
      if (chunks.length === 0) one.port.cut();
      chunks.push(chunk);
    }
    t.true(Buffer.concat(chunks).equals(one.fake.disk));
    const data = pattern(1 << 20).reverse();
    await target.write(64, data);
    t.true(one.fake.disk.subarray(64 * 512, 64 * 512 + data.length).equals(data));
    t.like(target.paths[0], { isUsed: false, left: 1 });
    t.is(target.paths[0]?.trouble?.length !== 0, true);
    // And the other way round, once the first is back.
    one.port.restore();
    await until(() => target.paths[0]?.isUsed === true);
    const before = one.fake.ataRequests.length;
    two.port.cut();
    t.true((await target.read(0, SECTORS)).equals(one.fake.disk));
    t.true(one.fake.ataRequests.length > before);
    t.like(target.paths[1], { isUsed: false, left: 1 });
  },
);

test.serial('a path cut one way only is left as well', async (t) => {
  for (const way of ['in', 'out'] as const) {
    const ways = makeWays(t, {}, {});
    const target = await open(ways);
    (ways[1] as Way).port.cut(way);
    await target.write(0, pattern(1 << 20));
    t.true((ways[0] as Way).fake.disk.subarray(0, 1 << 20).equals(pattern(1 << 20)), way);
    t.false(target.paths[1]?.isUsed);
  }
});

test.serial('losses on both paths do not take one out of use', async (t) => {
  const faults: FaultPlan = [{ fault: 'drop', probability: 0.02 }];
  const ways = makeWays(t, { faults }, { faults });
  const target = await open(ways, { silence: 2000 });
  const { disk } = (ways[0] as Way).fake;
  disk.set(pattern(disk.length));
  t.true((await target.read(0, SECTORS)).equals(disk));
  t.deepEqual(
    target.paths.map(({ left }) => left),
    [0, 0],
  );
});

test.serial(
  'when every path is cut the I/O fails in bounded time; when one comes back all is well',
  async (t) => {
    const ways = makeWays(t, {}, {});
    const target = await open(ways, { ...QUICK, timeout: 400 });
    for (const { port } of ways) port.cut();
    await t.throwsAsync(target.read(0, SECTORS), { instanceOf: NoAnswerError });
    (ways[1] as Way).port.restore();
    await until(() => target.paths[1]?.isUsed === true);
    t.true((await target.read(0, 64)).equals((ways[0] as Way).fake.disk.subarray(0, 64 * 512)));
  },
);

test.serial('an outage of all paths shorter than the time limit passes without an error', async (t) => {
  const ways = makeWays(t, {}, {});
  const target = await open(ways);
  for (const { port } of ways) port.cut();
  const reading = target.read(0, SECTORS);
  await new Promise((resolve) => setTimeout(resolve, 200));
  (ways[0] as Way).port.restore();
  t.true((await reading).equals((ways[0] as Way).fake.disk));
});

test.serial('a path on which the target is not there yet is taken into use when it comes', async (t) => {
  const ways = makeWays(t, {}, {});
  const late = ways[1] as Way;
  late.port.cut();
  const target = await open(ways);
  t.like(target.paths[1], { isUsed: false, answered: 0, mac: undefined });
  t.regex(String(target.paths[1]?.trouble), /e0\.1 did not answer/);
  late.port.restore();
  await until(() => target.paths[1]?.isUsed === true);
  await target.read(0, SECTORS);
  t.true((target.paths[1]?.answered ?? 0) > 40);
});

test.serial(
  'an interface that is gone is left at once, and what was asked there is asked elsewhere',
  async (t) => {
    const ways = makeWays(t, {}, {});
    const target = await open(ways, { silence: 60_000, retry: 20 });
    await (ways[1] as Way).link.close();
    t.is((await target.read(0, SECTORS)).length, SECTORS * 512);
    t.like(target.paths[1], { isUsed: false, trouble: 'the link is closed' });
  },
);

test.serial('the narrowest path decides how many sectors a frame holds', async (t) => {
  const target = await open(makeWays(t, { mtu: 9000 }, { mtu: 1500 }));
  t.is(target.sectorsPerFrame, 2);
});

test.serial('a path that leads to another device is refused, with both told', async (t) => {
  const ways = makeWays(t, {}, {});
  (ways[1] as Way).fake.options.identify = { serial: 'another' };
  const error = await t.throwsAsync(open(ways), { instanceOf: ForeignDeviceError });
  t.regex(
    String(error?.message),
    /not with the same disk:.*"F-1" and 4096 sectors.*"another" and 4096 sectors/s,
  );
});

test.serial('where it is on none of the links, that is told', async (t) => {
  const ways = makeWays(t, {}, {});
  for (const { fake } of ways) fake.deaf = true;
  const error = await t.throwsAsync(open(ways, { findTimeout: 50 }), { instanceOf: NoAnswerError });
  t.true(error instanceof LabError);
  t.regex(String(error?.message), /looking for e0\.1 on client/);
});

test.serial('paths to one address of the target share its window', async (t) => {
  const hub = new Hub();
  const links = [1, 2].map((index) =>
    hub.plug(0x02_00_00_00_01_00 + index, { name: `c${index}`, mtu: 9000 }),
  );
  const fake = new FakeTarget(hub.plug(0x02_00_00_00_02_00, { name: 't', mtu: 9000 }), {
    sectors: SECTORS,
    bufferCount: 4,
    maxSectors: 16,
    thinks: 3,
  });
  const target = await openTarget(links, ADDRESS, QUICK);
  await target.read(0, SECTORS);
  t.is(fake.mostUnderWay, 4);
  t.true(target.paths.every(({ answered }) => answered > 40));
  await hub.close();
});
