/** What the aoe driver makes newer kernels warn of, brought about on purpose: with a target that is not the cause. */
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AoeClient } from '../../src/prove/acceptance/client.js';
import { isKnown } from '../../src/prove/acceptance/known.js';
import { bootGuest } from '../../src/prove/vm/index.js';
import { parseMac } from '../../src/wire/aoe/index.js';
import { connectStream, Hub } from '../../src/wire/link/index.js';
import { serveTargets } from '../../src/wire/native/index.js';
import { sharedFolder } from '../make/patch/trees.js';
import { noGuests, ordinary, testUnless } from './support/machine.js';

const MTU = 9000;
const ADDRESS = { shelf: 1, slot: 2 };

const reason = ordinary ?? (await noGuests());
const folder = sharedFolder();
process.env.AOE_LAB_STATE = join(folder, 'state');

/**
 * A journal copies a block that begins with its own magic number (jbd2_journal_write_metadata_buffer), into a slab where
 * blocks are smaller than pages; with data=journal, blocks of files are in it.
 */
const ESCAPED = Buffer.alloc(1024).fill(Buffer.from('c03b3998', 'hex'), 0, 4);

testUnless(
  reason,
  'the warning of the aoe driver of Linux 7.2 is known, and none of the target',
  async (t) => {
    t.timeout(600_000);
    const guest = await bootGuest({ kernel: 'unstable', links: [{ mtu: MTU }], memory: 384 });
    const hub = new Hub();
    hub.join(await connectStream({ path: guest.record.links[0]?.socket ?? '' }, { mtu: MTU }), {
      name: 'guest',
    });
    const path = join(folder, 'disk');
    await writeFile(path, '');
    await truncate(path, 64 * 2 ** 20);
    const wire = hub.plug(parseMac('02:00:00:00:00:01') as number, { name: 'target', mtu: MTU });
    const server = await serveTargets(wire, [{ address: ADDRESS, backing: { path } }]);
    try {
      const client = new AoeClient(guest.host, ADDRESS);
      await client.carrier('eth0');
      await guest.loadModule('aoe', ['aoe_iflist=eth0']);
      await client.discovered(30_000);
      await guest.host.run(['mkfs.ext4', '-q', '-b', '1024', client.device]);
      await guest.host.run(['mount', '-t', 'ext4', '-o', 'data=journal', client.device, '/mnt']);
      const last = await client.lastKernelLine();
      await guest.host.write('/tmp/blocks', Buffer.concat(Array(256).fill(ESCAPED)));
      await guest.host.run(['cp', '/tmp/blocks', '/mnt/blocks']);
      await guest.host.run(['sync']);
      await guest.host.run(['umount', '/mnt']);
      const trouble = await guest.trouble();
      t.log(trouble.join('\n'));
      t.is(trouble.length, 1);
      t.true(trouble.every(isKnown));
      t.deepEqual(await client.complaints(last), []);
    } finally {
      await guest.stop();
      await server.close();
      await hub.close();
    }
  },
);
