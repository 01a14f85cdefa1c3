/** verify with the aoe driver of a host over SSH as the client: the host is a guest, its segment a wire that leads to it. */
import { join } from 'node:path';
import { here } from '../../src/hosts/host/local.js';
import { makeWire, removeWire } from '../../src/hosts/host/namespace.js';
import type { AcceptanceReport } from '../../src/prove/acceptance/acceptance.js';
import { bootGuest } from '../../src/prove/vm/index.js';
import { connectStream, Hub, type Link, openPacketLink } from '../../src/wire/link/index.js';
import { folderOfFile } from '../base/temporary.js';
import { cli } from './support/cli.js';
import { guestUser } from './support/guest-user.js';
import { builtVblade, FILE, LONG, noGuests, testUnless } from './support/machine.js';

const MTU = 9000;
/** What each test does is tried by verify.test.ts. */
const TESTS = LONG ? '1,2,3,4' : '1';
const NAMES = LONG ? ['basic', 'load', 'failure', 'restart'] : ['basic'];
const vblade = await builtVblade();
const reason = (await noGuests()) ?? ('reason' in vblade ? vblade.reason : undefined);
const folder = folderOfFile();
process.env.AOE_LAB_STATE = join(folder, 'state');

/** What modprobe(8) looks for its modules by; a guest has them in a folder. */
const INSTALL = `f=/lib/modules/$(uname -r) && mkdir -p $f && cp /lib/modules/aoe.ko $f && echo aoe.ko: > $f/modules.dep`;

testUnless(reason, 'verify with a client on a host: its driver is loaded, used and unloaded', async (t) => {
  t.timeout(600_000);
  const guest = await bootGuest({ links: [{ mtu: MTU }], fio: true, exports: true });
  const wire = await makeWire(here, 'far-client', MTU);
  const hub = new Hub();
  const links: Link[] = [];
  try {
    const card = await connectStream({ path: guest.record.links[0]?.socket ?? '' }, { mtu: MTU });
    links.push(card);
    hub.join(card, { name: 'client' });
    const end = { iface: wire.initiator, netns: wire.netns, promiscuous: true };
    const segment = await openPacketLink(end);
    links.push(segment);
    hub.join(segment, { name: 'segment' });
    await guest.host.run(['sh', '-c', INSTALL]);
    const env = await guestUser(folder, 'client', guest);
    const inside = (argv: readonly string[]) => ['ip', 'netns', 'exec', wire.netns as string, ...argv];
    const words = ['verify', '--impl', 'vblade', '--initiator', 'client', '--test', TESTS, ...FILE, '--json'];
    const place = ['--iface', 'eth0', '--wire', wire.target];
    const { exitCode, stdout, stderr } = await cli([...words, ...place], env, { inside });
    t.is(exitCode, 0, stderr + stdout.slice(-2000));
    const report = JSON.parse(stdout) as AcceptanceReport;
    t.like(report, {
      passed: true,
      mtu: MTU,
      client: { driver: 'Linux aoe driver', host: 'client', kernel: guest.record.release },
    });
    t.deepEqual(
      report.tests.map(({ name, passed }) => [name, passed]),
      NAMES.map((name) => [name, true]),
    );
    const left = await guest.host.run(['sh', '-c', 'cat /proc/mounts; ls -d /sys/module/aoe /mnt/aoe; true']);
    t.notRegex(left.stdout, /^\/(sys\/module|mnt)\/aoe$/m);
    t.notRegex(left.stdout, /etherd/);

    await guest.host.run(['modprobe', 'aoe']);
    const refused = await cli([...words, ...place], env, { inside });
    t.is(refused.exitCode, 2);
    t.regex(JSON.parse(refused.stdout).error.happened, /its aoe driver is loaded/);
    t.deepEqual(await guest.trouble(), []);
  } finally {
    await hub.close();
    for (const link of links) await link.close();
    await removeWire(here, wire);
    await guest.stop();
  }
});
