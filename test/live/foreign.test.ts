/** Programs of others see native and vblade, side by side on one switch, alike. */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { here } from '../../src/hosts/host/local.js';
import { findCommand } from '../../src/make/compile/requirements.js';
import { BROADCAST, type Frame } from '../../src/wire/aoe/index.js';
import { type Discovered, discover } from '../../src/wire/initiator/discover.js';
import { Capture, tap } from '../../src/wire/link/capture.js';
import { openPacketLink } from '../../src/wire/link/packet.js';
import { temporaryFolder } from '../base/temporary.js';
import { ADDRESS, ata, config, SECTORS } from '../wire/native/bench-top.js';
import { builtVblade, testUnless } from './support/machine.js';
import { Asker, startNative } from './support/native-process.js';
import { testSwitch } from './support/switch.js';

const SLOTS = { vblade: 1, native: 2 };
const TARGETS = ['vblade', 'native'] as const;
const { shelf } = ADDRESS;
const built = await builtVblade();

function reason(...programs: string[]): string | undefined {
  if ('reason' in built) return built.reason;
  const missing = programs.filter((program) => findCommand(program) === undefined);
  return missing.length === 0 ? undefined : `needs ${missing.join(', ')}`;
}

/** A host with vblade as e7.1, one with native as e7.2, and one that asks; what our own initiator knows of the two. */
async function lab(t: ExecutionContext) {
  const folder = await temporaryFolder(t);
  const hosts = await testSwitch(t, [...TARGETS, 'client']);
  const disk = Buffer.alloc(SECTORS * 512);
  for (let sector = 0; sector < SECTORS; sector++) disk.writeUInt32BE(sector, sector * 512);
  for (const target of TARGETS) await writeFile(join(folder, `${target}.img`), disk);
  const words = [String(shelf), String(SLOTS.vblade), 'eth0', join(folder, 'vblade.img')];
  const { path } = built as { path: string };
  const vblade = spawn('ip', ['netns', 'exec', hosts.vblade, path, ...words], { stdio: 'ignore' });
  t.teardown(() => vblade.kill('SIGKILL'));
  const { native: slot } = SLOTS;
  const exports = [{ shelf, slot, iface: 'eth0', path: join(folder, 'native.img') }];
  await startNative(t, { netns: hosts.native, folder }, { exports });
  const link = await openPacketLink({ iface: 'eth0', netns: hosts.client });
  let found: Discovered[] = [];
  for (let tries = 0; found.length < 2 && tries < 50; tries++) found = await discover(link, { wait: 100 });
  t.is(found.length, 2, 'both are there');
  await link.close();
  const known = Object.fromEntries(found.map((one) => [one.slot, one]));
  const run = async (...argv: string[]): Promise<string> =>
    (await here.inNamespace(hosts.client).run(argv)).stdout;
  return { folder, hosts, known, run };
}

testUnless(reason('aoeping'), 'foreign: aoeping asks for identity and SMART', async (t) => {
  const { known, run } = await lab(t);
  const seen = await Promise.all(
    TARGETS.map(async (target) => {
      const ping = (...options: string[]) =>
        run('aoeping', '-s', '5', ...options, String(shelf), String(SLOTS[target]), 'eth0');
      const pairs = [...(await ping('-I')).matchAll(/^(\w+): (.*?) *$/gm)];
      const fields: Record<string, string> = Object.fromEntries(pairs.map(([, name, text]) => [name, text]));
      t.is(fields.serial_number, known[SLOTS[target]]?.serial ?? '');
      t.is(fields.model, known[SLOTS[target]]?.model ?? '');
      t.is(fields.firmware_rev, known[SLOTS[target]]?.firmwareRevision ?? '');
      const smart = await t.throwsAsync(ping('-S', 'read_data'));
      t.regex(String(smart?.message), /does not support SMART/);
      return Object.keys(fields);
    }),
  );
  t.deepEqual(seen[0], seen[1]);
});

testUnless(reason('aoecfg'), 'foreign: aoecfg sets, tests and reads the config string', async (t) => {
  const { run } = await lab(t);
  const talk = async (target: (typeof TARGETS)[number]): Promise<string[]> => {
    const said: string[] = [];
    const place = [String(shelf), String(SLOTS[target]), 'eth0'];
    for (const [command, string] of [
      ['read', ''],
      ['set', 'first'],
      ['set', 'second'],
      ['read', ''],
      ['test', 'first'],
      ['test', 'fir'],
      ['prefix', 'fir'],
      ['fset', 'third'],
      ['read', ''],
      ['fset', ''],
    ] as const) {
      // Native keeps a string on the disk before it answers; a test that does not hold is never answered.
      const patience = string === 'fir' && command === 'test' ? '1' : '15';
      const words = ['-c', command, '-s', string, '-t', patience];
      const out = await run('sh', '-c', 'aoecfg "$@" 2>&1; echo "ended with $?"', 'sh', ...words, ...place);
      said.push(`${command} ${string}: ${out.trim()}`);
    }
    return said;
  };
  const [vblade, native] = await Promise.all(TARGETS.map(talk));
  t.log(native?.join('; '));
  t.deepEqual(native, vblade);
  t.regex(String(native?.[4]), /first/);
});

testUnless(reason('aoe-sancheck'), 'foreign: aoe-sancheck lists both with their payload', async (t) => {
  const { run } = await lab(t);
  const out = await run('aoe-sancheck');
  const rows = out
    .split('\n')
    .filter((line) => /^e\d/.test(line))
    .map((line) => line.trim().split(/\s+/));
  t.deepEqual(rows.sort(), [
    ['e7.1', '1', '1024', 'eth0'],
    ['e7.2', '1', '1024', 'eth0'],
  ]);
});

testUnless(reason('nmap'), "foreign: nmap's broadcast-ataoe-discover finds both", async (t) => {
  const { known, run } = await lab(t);
  // It looks at no interface without an IP address.
  await run('ip', 'addr', 'add', '192.0.2.1/24', 'dev', 'eth0');
  const out = await run('nmap', '--script', 'broadcast-ataoe-discover', '-e', 'eth0');
  const servers = [...out.matchAll(/Server: (\w+); Version: (\d+); Major: (\d+); Minor: (\d+)/g)];
  t.deepEqual(
    servers.map(([, mac, ...numbers]) => [mac, ...numbers]).sort((a, b) => Number(a[3]) - Number(b[3])),
    [SLOTS.vblade, SLOTS.native].map((slot) => [
      known[slot]?.mac.replaceAll(':', ''),
      '1',
      String(shelf),
      String(slot),
    ]),
    out,
  );
});

const FIELDS = [
  'frame.len',
  'frame.protocols',
  'aoe.version',
  'aoe.response',
  'aoe.flags_error',
  'aoe.error',
  'aoe.major',
  'aoe.cmd',
  'aoe.aflags.e',
  'aoe.aflags.w',
  'aoe.err_feature',
  'aoe.sector_count',
  'aoe.ata.cmd',
  'aoe.ata.status',
  'aoe.lba',
  'aoe.response_in',
  'aoe.response_to',
  '_ws.malformed',
  'data.data',
];

/** What both are asked, one after the other; a flush is left out, since vblade answers it with status 0. */
function requests(target: (typeof TARGETS)[number], from: number, to: number): Frame[] {
  const envelope = { slot: SLOTS[target], from, to };
  const data = Buffer.alloc(1024, 0x5a);
  return [
    config(0, '', { ...envelope, to: BROADCAST }),
    config(4, 'lab', envelope),
    ata(0x20, 0x00, { ...envelope, count: 2, lba: 7 }),
    ata(0x24, 0x40, { ...envelope, count: 1, lba: 4095 }),
    ata(0x34, 0x41, { ...envelope, count: 2, lba: 100, data }),
    ata(0x24, 0x40, { ...envelope, count: 2, lba: 100 }),
    ata(0x24, 0x40, { ...envelope, count: 1, lba: SECTORS }),
  ];
}

testUnless(
  reason('tshark'),
  'foreign: tshark decodes the talk with native as that with vblade',
  async (t) => {
    const { folder, hosts, known, run } = await lab(t);
    const link = await openPacketLink({ iface: 'eth0', netns: hosts.client });
    t.teardown(() => link.close());
    const talks: string[][] = [];
    for (const target of TARGETS) {
      const file = join(folder, `${target}.pcapng`);
      const capture = new Capture(file);
      const asker = new Asker(tap(link, capture));
      const to = Number.parseInt(String(known[SLOTS[target]]?.mac.replaceAll(':', '')), 16);
      for (const request of requests(target, link.mac, to)) await asker.ask(request);
      capture.close();
      const fields = FIELDS.flatMap((field) => ['-e', field]);
      const out = await run('tshark', '-r', file, '-T', 'fields', '-E', 'separator=;', ...fields);
      talks.push(out.trimEnd().split('\n'));
    }
    const [vblade, native] = talks;
    t.log(native?.map((line) => line.slice(0, 100)).join('\n'));
    t.is(native?.length, 14);
    t.deepEqual(native, vblade);
  },
);
