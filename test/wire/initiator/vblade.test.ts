import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { digestOf } from '../../../src/base/digest.js';
import { LocalHost } from '../../../src/hosts/host/local.js';
import {
  discover,
  NoAnswerError,
  openTarget,
  readStream,
  type Target,
  writeStream,
} from '../../../src/wire/initiator/index.js';
import { type Link, openPacketLink } from '../../../src/wire/link/index.js';
import { builtVblade } from '../../live/support/machine.js';
import { makeWire, type Wire, whyNoWire } from '../link/veth.js';

const built = await builtVblade();
const vblade = 'path' in built ? built.path : '';
const why = (await whyNoWire()) ?? ('reason' in built ? built.reason : undefined);
const live = why === undefined ? test.serial : test.skip;
const reason = why === undefined ? '' : ` (skipped: ${why})`;

const SIZE = 8 << 20;
const SECTORS = SIZE / 512;
const ADDRESS = { shelf: 0, slot: 1 };

interface Lab {
  link: Link;
  wire: Wire;
  image: string;
  /** Starts vblade in the right namespace; ended with the lab. */
  start(...options: string[]): Promise<number>;
}

/** A real vblade beyond a real wire. */
async function withLab(mtu: number, body: (lab: Lab) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-test-'));
  const wire = await makeWire(mtu);
  const pids: number[] = [];
  const image = join(folder, 'image');
  await writeFile(image, '');
  await truncate(image, SIZE);
  const start = async (...options: string[]): Promise<number> => {
    const argv = [vblade as string, ...options, '0', '1', 'v0', image];
    const pid = await new LocalHost(wire.right).start(argv, { env: {}, log: join(folder, 'log') });
    pids.push(pid);
    return pid;
  };
  const link = await openPacketLink({ iface: 'v0', netns: wire.left });
  try {
    await body({ link, wire, image, start });
  } finally {
    await link.close();
    for (const pid of pids) kill(pid);
    await wire.remove();
    await rm(folder, { recursive: true });
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

async function readAll(target: Target): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of readStream(target, { from: 0, count: SECTORS })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

for (const [mtu, sectors] of [
  [1500, 2],
  [9000, 17],
] as const) {
  live(`vblade at MTU ${mtu}: what is written is in the file, and is read back${reason}`, async (t) => {
    await withLab(mtu, async ({ link, image, start }) => {
      await start('-b', '24');
      const target = await openTarget(link, ADDRESS);
      t.is(target.sectorsPerFrame, sectors);
      t.is(target.window, 24);
      t.is(await target.sectors(), SECTORS);
      const data = randomBytes(SIZE);
      t.is(await writeStream(target, 0, [data]), SIZE);
      t.true(await target.flush(), 'vblade knows FLUSH CACHE');
      t.is(digestOf(await readFile(image)), digestOf(data));
      t.is(digestOf(await readAll(target)), digestOf(data));
    });
  });
}

live(`vblade is discovered with all that it says of itself${reason}`, async (t) => {
  await withLab(1500, async ({ link, start }) => {
    t.deepEqual(await discover(link, { wait: 50 }), []);
    await start();
    const target = await openTarget(link, ADDRESS);
    await target.queryConfig({ ccmd: 3, string: Buffer.from('rack 4') });
    const [found, ...others] = await discover(link);
    t.is(others.length, 0);
    t.like(found, {
      shelf: 0,
      slot: 1,
      bufferCount: 16,
      maxSectors: 2,
      aoeVersion: 1,
      configString: 'rack 4',
      sectors: SECTORS,
      model: 'Coraid EtherDrive vblade',
      lba48: true,
      fault: null,
    });
    t.deepEqual(await discover(link, { shelf: 1, wait: 50 }), []);
  });
});

live(
  `vblade that is killed fails its I/O in bounded time, and a new one serves the same session${reason}`,
  async (t) => {
    await withLab(1500, async ({ link, start }) => {
      const pid = await start();
      const target = await openTarget(link, ADDRESS, { timeout: 300 });
      await target.read(0, 8);
      kill(pid);
      await t.throwsAsync(readAll(target), {
        instanceOf: NoAnswerError,
        message: /e0\.1 did not answer within 0\.3 s/,
      });
      await start();
      await openTarget(link, ADDRESS);
      t.is((await readAll(target)).length, SIZE);
    });
  },
);
