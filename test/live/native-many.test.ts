/** Many exports in one native process. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { discover } from '../../src/wire/initiator/discover.js';
import { openTarget } from '../../src/wire/initiator/open.js';
import { openPacketLink } from '../../src/wire/link/packet.js';
import { noRoot, testUnless } from './support/machine.js';
import { startNative } from './support/native-process.js';
import { testWire } from './support/wire.js';

const COUNT = 256;
const SECTORS = 128;
/** As many as a shelf holds; slot 255 stands for all. */
const SLOTS = 255;

testUnless(
  noRoot(),
  `native: ${COUNT} exports of one process are found, and each is read and written at the same time as the others`,
  async (t) => {
    const wire = await testWire(t, 9000);
    const folder = join(wire.folder, 'disks');
    await mkdir(folder);
    const exports = Array.from({ length: COUNT }, (_, index) => ({
      shelf: 7 + Math.floor(index / SLOTS),
      slot: index % SLOTS,
      iface: wire.target,
      path: join(folder, String(index)),
    }));
    const image = (index: number): Buffer => {
      const bytes = Buffer.alloc(SECTORS * 512);
      for (let sector = 0; sector < SECTORS; sector++) {
        bytes.writeUInt32BE(index, sector * 512);
        bytes.writeUInt32BE(sector, sector * 512 + 4);
      }
      return bytes;
    };
    await Promise.all(exports.map(({ path }, index) => writeFile(path, image(index))));
    const native = await startNative(t, wire, { exports });
    const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns });
    t.teardown(() => link.close());
    // All of them answer at once, and a busy machine takes its time.
    const found = await discover(link, { wait: 5000 });
    t.deepEqual(
      found.map(({ shelf, slot, sectors, fault }) => ({ shelf, slot, sectors, fault })),
      exports.map(({ shelf, slot }) => ({ shelf, slot, sectors: SECTORS, fault: null })),
    );
    t.is(new Set(found.map(({ serial }) => serial)).size, COUNT, 'each has a serial number of its own');
    const targets = await Promise.all(exports.map((address) => openTarget(link, address)));
    const read = async (): Promise<void> => {
      const all = await Promise.all(targets.map((target) => target.read(0, SECTORS)));
      all.forEach((bytes, index) => void t.true(bytes.equals(image(index)), `export ${index}`));
    };
    await read();
    await Promise.all(
      targets.map(async (target, index) => {
        await target.write(64, image(index).subarray(64 * 512));
        await target.flush();
      }),
    );
    await read();
    const status = await readFile(`/proc/${native.child.pid}/status`, 'utf8');
    const memory = Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
    t.log(`resident memory ${memory} MiB`);
    t.true(memory < 150);
    t.is(await native.kill('SIGTERM'), 0);
  },
);
