/** The native target on block devices, by direct I/O, and on a VLAN interface. */
import { randomBytes } from 'node:crypto';
import { open, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { here } from '../../src/hosts/host/local.js';
import { openTarget, type Target } from '../../src/wire/initiator/index.js';
import { openPacketLink } from '../../src/wire/link/packet.js';
import { ADDRESS } from '../wire/native/bench-top.js';
import { noRoot, noVlan, testUnless } from './support/machine.js';
import { type NativeProcess, startNative } from './support/native-process.js';
import { detachFrom } from './support/own-dev.js';
import { type TestWire, testWire } from './support/wire.js';

const reason = noRoot();
const vlanReason = await noVlan();
const SIZE = 4 << 20;
const SLOT = 1;
const WAYS = [
  { way: 'io_uring', uring: true },
  { way: 'threads', uring: false },
] as const;

interface Bench {
  wire: TestWire;
  native: NativeProcess;
  target: Target;
}

/** Native on a file or device, and a session with it. */
async function serve(t: ExecutionContext, wire: TestWire, path: string, more: object = {}, uring = true) {
  const exports = [{ ...ADDRESS, slot: SLOT, iface: wire.target, path, ...more }];
  const native = await startNative(t, wire, { uring, exports });
  const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns });
  t.teardown(() => link.close());
  const target = await openTarget(link, { ...ADDRESS, slot: SLOT });
  return { wire, native, target } satisfies Bench;
}

/** A loop device on a file of random bytes. */
async function loop(t: ExecutionContext, folder: string, ...options: string[]) {
  const file = join(folder, 'disk');
  const image = randomBytes(SIZE);
  await writeFile(file, image);
  const { stdout } = await here.run(['losetup', '--find', '--show', ...options, file]);
  const device = stdout.trim();
  t.teardown(() => detachFrom(file));
  return { file, device, image };
}

/** Reads and writes single sectors and runs of them, and compares all with an image. */
async function exercise(t: ExecutionContext, target: Target, image: Buffer): Promise<void> {
  const sectors = image.length / 512;
  t.is(await target.sectors(), sectors);
  t.true((await target.read(0, sectors)).equals(image), 'all of it');
  for (let round = 0; round < 60; round++) {
    const count = 1 + Math.floor(Math.random() * (round % 3 === 0 ? 64 : 4));
    const sector = Math.floor(Math.random() * (sectors - count));
    const data = randomBytes(count * 512);
    await target.write(sector, data);
    data.copy(image, sector * 512);
    const there = image.subarray((sector >> 3) << 12, ((sector >> 3) << 12) + 8192);
    t.true((await target.read((sector >> 3) << 3, there.length / 512)).equals(there), `around ${sector}`);
  }
  t.true(await target.flush());
  t.true((await target.read(0, sectors)).equals(image), 'all of it again');
}

for (const { way, uring } of WAYS) {
  testUnless(reason, `native on a loop device, by ${way}: what is written is there`, async (t) => {
    const wire = await testWire(t);
    const { file, device, image } = await loop(t, wire.folder);
    const { native, target } = await serve(t, wire, device, {}, uring);
    await exercise(t, target, image);
    t.is(await native.kill('SIGTERM'), 0);
    await here.run(['losetup', '--detach', device]);
    t.true((await readFile(file)).equals(image));
  });

  testUnless(
    reason,
    `native on a device with blocks of 4 KiB, by ${way} and direct I/O: single sectors are served as well`,
    async (t) => {
      const wire = await testWire(t);
      const { device, image } = await loop(t, wire.folder, '--sector-size', '4096');
      const { native, target } = await serve(t, wire, device, { directIo: true }, uring);
      await exercise(t, target, image);
      t.is(await native.kill('SIGTERM'), 0);
    },
  );

  testUnless(
    reason,
    `native by ${way} and direct I/O: what is read and written does not fill the page cache`,
    async (t) => {
      const wire = await testWire(t, 9000);
      const file = join(wire.folder, 'disk');
      const image = randomBytes(SIZE);
      await writeFile(file, image);
      const handle = await open(file, 'r');
      await handle.sync();
      await handle.close();
      const cached = async (): Promise<number> => {
        const { stdout } = await here.run(['fincore', '--bytes', '--noheadings', '--output', 'RES', file]);
        return Number(stdout.trim());
      };
      await here.run(['dd', `if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
      if ((await cached()) > 0) return t.log('this file system keeps its pages');
      const { native, target } = await serve(t, wire, file, { directIo: true }, uring);
      t.true((await target.read(0, SIZE / 512)).equals(image));
      await target.write(0, image.subarray(0, SIZE / 2).reverse());
      t.is(await cached(), 0);
      t.true((await target.read(8, SIZE / 512 - 8)).equals(image.subarray(4096)));
      t.is(await cached(), 0);
      t.is(await native.kill('SIGTERM'), 0);
    },
  );
}

testUnless(reason, 'native: a loop device that grows is noticed', async (t) => {
  const wire = await testWire(t);
  const { file, device } = await loop(t, wire.folder);
  const { native, target } = await serve(t, wire, device);
  t.is(await target.sectors(), SIZE / 512);
  await truncate(file, 2 * SIZE);
  await here.run(['losetup', '--set-capacity', device]);
  await native.says(new RegExp(`had ${SIZE / 512} sectors and has ${(2 * SIZE) / 512} now`));
  await target.identify();
  t.is(await target.sectors(), (2 * SIZE) / 512);
  const data = randomBytes(1024);
  await target.write((2 * SIZE) / 512 - 2, data);
  t.true((await target.read((2 * SIZE) / 512 - 2, 2)).equals(data));
});

testUnless(reason, 'native: a read-only device is read, and writes to it are aborted', async (t) => {
  const wire = await testWire(t);
  const { file, device, image } = await loop(t, wire.folder, '--read-only');
  // Root may open such a device for writing; that it is none shows at the first write.
  for (const readOnly of [true, false]) {
    for (const uring of [true, false]) {
      const { native, target } = await serve(t, wire, device, { readOnly, directIo: !readOnly }, uring);
      t.true((await target.read(0, SIZE / 512)).equals(image));
      const fault = await t.throwsAsync(target.write(0, Buffer.alloc(1024)));
      t.regex(String(fault?.message), /ABRT/);
      t.true((await target.read(0, 8)).equals(image.subarray(0, 4096)));
      t.is(await native.kill('SIGTERM'), 0);
    }
  }
  t.true((await readFile(file)).equals(image));
});

testUnless(vlanReason, 'native on a VLAN interface: it serves its VLAN, and no other', async (t) => {
  const wire = await testWire(t, 9000);
  const ip = (...argv: string[]) => here.run(['ip', '-n', wire.netns, 'link', ...argv]);
  for (const end of [wire.target, wire.initiator]) {
    for (const id of ['5', '6']) {
      await ip('add', 'link', end, 'name', `${end}.${id}`, 'type', 'vlan', 'id', id);
      await ip('set', `${end}.${id}`, 'addrgenmode', 'none', 'up');
    }
  }
  const image = randomBytes(SIZE);
  await writeFile(join(wire.folder, 'disk'), image);
  const inVlan = { ...wire, target: `${wire.target}.5`, initiator: `${wire.initiator}.5` };
  const { target } = await serve(t, inVlan, join(wire.folder, 'disk'));
  await exercise(t, target, image);
  for (const iface of [wire.initiator, `${wire.initiator}.6`]) {
    const link = await openPacketLink({ iface, netns: wire.netns });
    t.teardown(() => link.close());
    await t.throwsAsync(openTarget(link, { ...ADDRESS, slot: SLOT }, { findTimeout: 500 }), undefined, iface);
  }
});
