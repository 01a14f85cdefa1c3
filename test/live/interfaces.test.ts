/** Where frames go: ports of bridges, names, addresses and MTUs of interfaces that targets are exported on. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { here } from '../../src/hosts/host/local.js';
import type { ExportStatus, StatusReport } from '../../src/serve/exports/status-report.js';
import { openTarget } from '../../src/wire/initiator/open.js';
import { openPacketLink } from '../../src/wire/link/packet.js';
import { type CliResult, cli, jsonHere } from './support/cli.js';
import { assertNothingLeft, discoverOn, exportOn, type Found } from './support/export.js';
import { builtVblade, noRoot, sourceTree, testUnless } from './support/machine.js';
import { type TestWire, testWire } from './support/wire.js';

const SIZE = 1 << 20;
const reason = noRoot();
const built = await builtVblade();
const noVblade = 'reason' in built ? built.reason : undefined;
const qaoed = sourceTree('qaoed-trunk');

/** A wire with a file for e0.1, and ip(8) in its namespace. */
async function scene(t: ExecutionContext, mtu?: number) {
  t.timeout(600_000);
  const wire = await testWire(t, mtu);
  await writeFile(join(wire.folder, 'disk1'), Buffer.alloc(SIZE, 1));
  const ip = (...words: string[]) => here.run(['ip', '-n', wire.netns, ...words]);
  return { wire, ip };
}

async function only(wire: TestWire): Promise<ExportStatus> {
  const { exports } = await jsonHere<StatusReport>(['status'], wire.env);
  const [one] = exports;
  if (one === undefined || exports.length > 1) throw new Error(JSON.stringify(exports));
  return one;
}

function assertRefused(t: ExecutionContext, result: CliResult, ...says: RegExp[]): void {
  t.is(result.exitCode, 2, result.stderr);
  for (const what of says) t.regex(result.stderr, what);
}

async function addBridge(ip: (...words: string[]) => Promise<unknown>, port: string): Promise<void> {
  await ip('link', 'add', 'br0', 'type', 'bridge');
  await ip('link', 'set', 'br0', 'addrgenmode', 'none', 'up');
  await ip('link', 'set', port, 'master', 'br0');
}

testUnless(reason, 'B3: an export on a port of a bridge is refused, and made on the bridge', async (t) => {
  const { wire, ip } = await scene(t);
  await addBridge(ip, wire.target);
  for (const name of ['native', 'vblade']) {
    const refused = await cli(exportOn(wire, name, 1), wire.env);
    assertRefused(t, refused, /tgt is a port of br0/, /→ export on br0/);
  }
  const dry = await cli([...exportOn(wire, 'native', 1), '--dry-run'], wire.env);
  assertRefused(t, dry, /tgt is a port of br0/);
  const asked = await cli(['discover', '--iface', wire.target, '--netns', wire.netns], wire.env);
  assertRefused(t, asked, /tgt is a port of br0/, /br0/);
  await jsonHere(exportOn({ ...wire, target: 'br0' }, 'native', 1), wire.env);
  t.like(await only(wire), { state: 'serving', wire: 'answers', unchecked: null, faults: [] });
  const found = await jsonHere<Found[]>(discoverOn(wire), wire.env);
  t.is(found.length, 1);
  await jsonHere(['unexport', '--force', 'e0.1'], wire.env);
  await assertNothingLeft(t, wire);
});

testUnless(reason, 'B3: an interface that becomes a port later is a fault in status', async (t) => {
  const { wire, ip } = await scene(t);
  await jsonHere(exportOn(wire, 'native', 1), wire.env);
  await addBridge(ip, wire.target);
  const now = await only(wire);
  t.like(now, { state: 'impaired', wire: 'unchecked', remedy: 'interface' });
  t.regex(now.faults.join('\n'), /tgt is a port of br0: export on br0/);
  assertRefused(t, await cli(['restart', 'e0.1'], wire.env), /tgt is a port of br0/);
  await ip('link', 'set', wire.target, 'nomaster');
  t.like(await only(wire), { state: 'serving', wire: 'answers', faults: [] });
});

testUnless(reason, 'B3: a macvlan is served, the interface that carries it is not exported on', async (t) => {
  const { wire, ip } = await scene(t);
  const added = await ip(
    'link',
    'add',
    'link',
    wire.target,
    'name',
    'mv0',
    'type',
    'macvlan',
    'mode',
    'bridge',
  ).catch(() => undefined);
  if (added === undefined) {
    t.pass('the kernel has no macvlan');
    return;
  }
  await ip('link', 'set', 'mv0', 'addrgenmode', 'none', 'up');
  const refused = await cli(exportOn(wire, 'native', 1), wire.env);
  assertRefused(t, refused, /tgt carries the macvlan mv0/, /→ export on mv0/);
  await jsonHere(exportOn({ ...wire, target: 'mv0' }, 'native', 1), wire.env);
  t.is((await jsonHere<Found[]>(discoverOn(wire), wire.env)).length, 1);
});

testUnless(
  noVblade,
  'B4: an export behind a bridge is asked over the bridge, and moves over it',
  async (t) => {
    const { wire, ip } = await scene(t);
    await addBridge(ip, wire.initiator);
    await jsonHere(exportOn(wire, 'vblade', 1), wire.env);
    t.like(await only(wire), { state: 'serving', wire: 'answers', faults: [] });
    const moved = await jsonHere<{ after: { sectors: number } }>(
      ['migrate', 'e0.1', '--to', 'native', '--yes'],
      wire.env,
    );
    t.is(moved.after.sectors, SIZE / 512);
    t.like(await only(wire), { state: 'serving', wire: 'answers', implementation: 'native' });
    // A bridge may filter: silence behind it proves nothing of the target.
    const [pid] = (await only(wire)).pids;
    process.kill(pid as number, 'SIGSTOP');
    const silent = await only(wire);
    process.kill(pid as number, 'SIGCONT');
    t.like(silent, { state: 'serving', wire: 'unchecked', faults: [] });
    t.regex(silent.unchecked ?? '', /over br0, which may keep AoE out/);
    await ip('link', 'set', 'br0', 'down');
    const down = await only(wire);
    t.like(down, { state: 'serving', wire: 'unchecked', faults: [] });
    t.regex(down.unchecked ?? '', /ini, the other end of tgt, is a port of br0, which is down/);
  },
);

testUnless(
  reason,
  'B5: an altname is resolved to the one real name, in entry, status and plan',
  async (t) => {
    const { wire, ip } = await scene(t);
    await ip('link', 'property', 'add', 'dev', wire.target, 'altname', 'enp3s0');
    await ip('link', 'property', 'add', 'dev', wire.target, 'altname', 'a-name-of-more-than-fifteen-letters');
    const lab = join(wire.folder, 'lab.yaml');
    await writeFile(
      lab,
      `lab: t\nhosts: { me: { ssh: here } }\nexports:\n  - { host: me, address: e0.1, implementation: native, interface: enp3s0, netns: ${wire.netns}, file: ${join(wire.folder, 'disk1')} }\n`,
    );
    const plan = await cli(['plan', '-f', lab, '--json'], wire.env);
    t.is(plan.exitCode, 5, plan.stderr);
    t.is(JSON.parse(plan.stdout).actions[0].id, `e0.1@tgt%${wire.netns}`);
    const applied = await cli(['apply', '-f', lab, '--yes'], wire.env);
    t.is(applied.exitCode, 0, applied.stderr);
    t.like(await only(wire), {
      id: `e0.1@tgt%${wire.netns}`,
      iface: 'tgt',
      state: 'serving',
      wire: 'answers',
    });
    t.is((await cli(['plan', '-f', lab], wire.env)).exitCode, 0);
    const again = await cli(exportOn({ ...wire, target: 'enp3s0' }, 'native', 1), wire.env);
    assertRefused(t, again, /has exported .*disk1 there/);
    const place = ['--netns', wire.netns];
    for (const iface of ['enp3s0', 'a-name-of-more-than-fifteen-letters']) {
      t.is((await cli(['discover', '--iface', iface, ...place], wire.env)).exitCode, 0, iface);
    }
    await jsonHere(['unexport', '--force', `e0.1@enp3s0%${wire.netns}`], wire.env);
    await jsonHere(
      exportOn({ ...wire, target: 'a-name-of-more-than-fifteen-letters' }, 'native', 1),
      wire.env,
    );
    t.like(await only(wire), { iface: 'tgt', state: 'serving' });
  },
);

const KEEPERS: [string, string[], string | undefined][] = [
  ['vblade', [], noVblade],
  ['qaoed', ['--source', 'path' in qaoed ? qaoed.path : ''], 'reason' in qaoed ? qaoed.reason : noVblade],
];
for (const [name, where, why] of KEEPERS) {
  testUnless(
    why,
    `B8: a new MAC under ${name} is a fault with both addresses, which a restart repairs`,
    async (t) => {
      const { wire, ip } = await scene(t);
      const { mac } = await jsonHere<{ mac: string }>(exportOn(wire, name, 1, ...where), wire.env);
      await ip('link', 'set', wire.target, 'address', '02:00:00:00:00:77');
      const now = await only(wire);
      t.like(now, { state: 'impaired', remedy: 'restart' });
      t.deepEqual(now.faults, [
        `it answers from ${mac}, and the address of tgt is 02:00:00:00:00:77 now: aoe-lab restart e0.1@tgt%${wire.netns}`,
      ]);
      const refused = await cli(['migrate', 'e0.1', '--to', 'native', '--yes'], wire.env);
      t.is(refused.exitCode, 1);
      t.regex(refused.stderr, /it answers from .*\n.*→ aoe-lab restart/);
      await jsonHere(['restart', 'e0.1'], wire.env);
      t.like(await only(wire), { state: 'serving', wire: 'answers', faults: [] });
    },
  );
}

testUnless(reason, 'B8: native follows a new MAC, and status finds no fault', async (t) => {
  const { wire, ip } = await scene(t);
  await jsonHere(exportOn(wire, 'native', 1), wire.env);
  await ip('link', 'set', wire.target, 'address', '02:00:00:00:00:77');
  let now = await only(wire);
  for (let tries = 0; now.wire !== 'answers' && tries < 30; tries++) now = await only(wire);
  t.like(now, { state: 'serving', wire: 'answers', faults: [] });
});

testUnless(
  reason,
  'B13: an MTU that holds no sector is a fault of that export, and the rest is told as usual',
  async (t) => {
    const { wire, ip } = await scene(t);
    await ip('link', 'add', 'u0', 'type', 'veth', 'peer', 'name', 'u1');
    for (const end of ['u0', 'u1']) await ip('link', 'set', end, 'addrgenmode', 'none', 'up');
    await writeFile(join(wire.folder, 'disk2'), Buffer.alloc(SIZE, 2));
    await jsonHere(exportOn(wire, 'native', 1), wire.env);
    await jsonHere(exportOn({ ...wire, target: 'u0' }, 'native', 2), wire.env);
    await ip('link', 'set', wire.target, 'mtu', '500');
    const { exports } = await jsonHere<StatusReport>(['status'], wire.env);
    const [small, other] = exports;
    t.like(small, { state: 'impaired', wire: 'unchecked', remedy: 'interface' });
    t.regex(small?.faults.join('\n') ?? '', /the MTU of tgt is 500 bytes.*ip link set dev tgt mtu 1500/);
    t.like(other, { state: 'serving', wire: 'answers', faults: [] });
    const text = await cli(['status'], wire.env);
    t.is(text.exitCode, 0, text.stderr);
    t.regex(text.stdout, /the MTU of tgt is 500 bytes/);
    await writeFile(join(wire.folder, 'disk3'), Buffer.alloc(SIZE, 3));
    assertRefused(t, await cli(exportOn(wire, 'native', 3), wire.env), /the MTU of tgt is 500 bytes/);
  },
);

const bigRead =
  'ends of a veth with different MTUs: a read that the other end cannot take does not end its target';
for (const [called, [without, ...source]] of Object.entries({
  native: [reason],
  vblade: [noVblade],
  qaoed: from('qaoed-trunk'),
  'ggaoed 1.1': from('ggaoed-1.1'),
  'ggaoed 0.9': from('ggaoed-0.9'),
})) {
  testUnless(without, `${bigRead} (${called})`, async (t) => {
    const { wire, ip } = await scene(t);
    const [name = '', ...release] = called.split(' ');
    await ip('link', 'set', wire.target, 'mtu', '9000');
    await jsonHere(
      exportOn(wire, name, 1, ...source.map(String), ...release.flatMap((one) => ['--release', one])),
      wire.env,
    );
    const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns });
    t.teardown(() => link.close());
    for (let tag = 1; tag <= 20; tag++) t.true(link.send(readFrom(link.mac, tag, 17)));
    const target = await openTarget(link, { shelf: 0, slot: 1 });
    t.deepEqual(await target.read(0, 2), Buffer.alloc(1024, 1));
    t.like(await only(wire), { state: 'serving', wire: 'answers', faults: [] });
  });
}

/** Why a tree can't be had, or else the words of a command that takes it. */
function from(name: string): [string | undefined, ...string[]] {
  const tree = sourceTree(name);
  return 'path' in tree ? [noVblade, '--source', tree.path] : [tree.reason];
}

/** A read of e0.1, from sector 0 on, whatever the link carries. */
function readFrom(mac: number, tag: number, sectors: number): Buffer {
  const frame = Buffer.alloc(60);
  frame.fill(0xff, 0, 6).writeUIntBE(mac, 6, 6);
  frame.set([0x88, 0xa2, 0x10, 0, 0, 0, 1, 0], 12);
  frame.writeUInt32BE(tag, 20);
  frame.set([0x40, 0, sectors, 0x24], 24);
  return frame;
}

testUnless(
  reason,
  'an interface without a carrier is named, when an export on it fails and in status',
  async (t) => {
    const { wire, ip } = await scene(t);
    await ip('link', 'set', wire.initiator, 'down');
    const failed = await cli(exportOn(wire, 'native', 1), wire.env);
    t.is(failed.exitCode, 1, failed.stderr);
    t.regex(failed.stderr, /tgt has no carrier: its other end ini is down\n +→ ip -n \S+ link set ini up/);
    const dry = await cli([...exportOn(wire, 'native', 1), '--dry-run'], wire.env);
    t.is(dry.exitCode, 3, dry.stderr);
    t.regex(dry.stderr, /tgt has no carrier: its other end ini is down\n +→ ip -n \S+ link set ini up/);
    await ip('link', 'set', wire.initiator, 'up');
    await jsonHere(exportOn(wire, 'native', 1), wire.env);
    await ip('link', 'set', wire.initiator, 'down');
    const now = await only(wire);
    t.like(now, { state: 'impaired', remedy: 'interface' });
    t.regex(now.faults.join('\n'), /tgt has no carrier: its other end ini is down/);
  },
);

testUnless(noVblade, 'B9: an export on lo is asked on lo', async (t) => {
  const { wire, ip } = await scene(t);
  await ip('link', 'set', 'lo', 'up');
  await jsonHere(exportOn({ ...wire, target: 'lo' }, 'vblade', 1), wire.env);
  t.like(await only(wire), { state: 'serving', wire: 'answers', faults: [] });
});

testUnless(reason, 'a name that begins with a dash is refused, and nothing is changed', async (t) => {
  const { wire, ip } = await scene(t);
  await ip('link', 'set', 'dev', wire.target, 'down');
  await ip('link', 'set', 'dev', wire.target, 'name', '-x');
  await ip('link', 'set', 'dev', '-x', 'up');
  const words = exportOn(wire, 'native', 1).map((word) => (word === wire.target ? '-x' : word));
  words[words.indexOf('--iface')] = '--iface=-x';
  words.splice(words.indexOf('-x'), 1);
  assertRefused(t, await cli(words, wire.env), /would take the name -x for an option/, /name NAME/);
  t.deepEqual((await jsonHere<StatusReport>(['status'], wire.env)).exports, []);
});
