import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { here } from '../../src/hosts/host/local.js';
import type { Discovered } from '../../src/wire/initiator/discover.js';
import type { CopyReport } from '../../src/wire/initiator/meter.js';
import { openPacketLink } from '../../src/wire/link/packet.js';
import { type FakeOptions, FakeTarget } from '../wire/initiator/fake-target.js';
import { pattern } from '../wire/initiator/lab.js';
import { whyNoWire } from '../wire/link/veth.js';
import { cli } from './support/cli.js';
import { startNative } from './support/native-process.js';
import { type TestWire, testWire } from './support/wire.js';

/** Who answers for an address, and what passes to it: the commands over real interfaces. */

const why = await whyNoWire();
const live = why === undefined ? test.serial : test.skip;
const reason = why === undefined ? '' : ` (skipped: ${why})`;
const SECTORS = 2048;

/** Further interfaces of the segment, and commands at its initiator's end. */
async function makeLab(t: ExecutionContext, mtu = 1500) {
  const wire = await testWire(t, mtu);
  const ip = (...words: string[]) => here.run(['ip', '-n', wire.netns, ...words]);
  const run = (words: string[], input?: Buffer) =>
    cli([...words, '--netns', wire.netns], wire.env, input === undefined ? {} : { input });
  /** A fake target of this process on an interface; its disk tells where its bytes stand. */
  const serve = async (iface: string, options: FakeOptions = {}) => {
    const link = await openPacketLink({ iface, netns: wire.netns });
    t.teardown(() => link.close());
    const fake = new FakeTarget(link, { sectors: SECTORS, maxSectors: 16, ...options });
    fake.disk.set(pattern(fake.disk.length));
    return fake;
  };
  return { wire, ip, run, serve };
}

type Ip = (...words: string[]) => Promise<unknown>;

/** A second pair, both ends in the namespace. */
async function addPair(ip: Ip, one: string, two: string, mtu: number): Promise<void> {
  const size = ['mtu', String(mtu)];
  await ip('link', 'add', one, ...size, 'type', 'veth', 'peer', 'name', two, ...size);
  for (const name of [one, two]) await ip('link', 'set', name, 'addrgenmode', 'none', 'up');
}

/** A bridge that joins both ends of the wire's pair with another pair, so that three stations share a segment. */
async function addStation(ip: Ip): Promise<void> {
  await addPair(ip, 'far', 'farend', 1500);
  await addPair(ip, 'near', 'nearend', 1500);
  await ip('link', 'add', 'br0', 'type', 'bridge');
  await ip('link', 'set', 'br0', 'up');
  for (const port of ['farend', 'nearend', 'ini']) await ip('link', 'set', port, 'master', 'br0');
}

live(
  `B1: different disks at one address are marked by discover, and refused by the others${reason}`,
  async (t) => {
    const { wire, ip, run, serve } = await makeLab(t);
    await addStation(ip);
    const one = await serve('tgt');
    const two = await serve('far', { identify: { serial: 'F-2' } });
    const before = Buffer.from(two.disk);
    const found = JSON.parse((await run(['discover', '--iface', 'near', '--json'])).stdout) as Discovered[];
    t.deepEqual(
      found.map(({ sameAddress }) => sameAddress.map(({ disk }) => disk)),
      [['another'], ['another']],
    );
    t.regex(
      (await run(['discover', '--iface', 'near'])).stdout,
      /e0\.1 ! .*\n! e0\.1: .* answer for it, with different disks/s,
    );
    const [out, data] = [join(wire.folder, 'out'), join(wire.folder, 'in')];
    await writeFile(data, Buffer.alloc(64 << 10, 7));
    for (const words of [
      ['identify', 'e0.1'],
      ['read', 'e0.1', '--output', out],
      ['write', 'e0.1', '--input', data],
    ]) {
      const result = await run([...words, '--iface', 'near']);
      t.is(result.exitCode, 1, words.join(' '));
      t.regex(result.stderr, /2 stations answer for e0\.1, and not with the same disk/);
      t.regex(result.stderr, /with serial "F-1".*with serial "F-2"|with serial "F-2".*with serial "F-1"/s);
      t.regex(result.stderr, /--station MAC/);
    }
    t.false(existsSync(out));
    t.true(one.disk.equals(before) && two.disk.equals(before));
    // Named, the one that is meant is taken.
    const meant = found.find(({ serial }) => serial === 'F-2')?.mac as string;
    t.is((await run(['write', 'e0.1', '--iface', 'near', '--input', data, '--station', meant])).exitCode, 0);
    t.true(one.disk.equals(before));
    t.is(two.disk[100], 7);
  },
);

live(`B1: two stations with one disk are paths to it${reason}`, async (t) => {
  const { ip, run, serve } = await makeLab(t);
  await addStation(ip);
  await serve('tgt');
  await serve('far');
  const { stdout } = await run(['discover', '--iface', 'near']);
  t.regex(stdout, / {2}e0\.1: .* are paths to one disk/);
  t.is((await run(['identify', 'e0.1', '--iface', 'near'])).exitCode, 0);
});

live(
  `B6: a bridge with a smaller MTU between two ends of 9000 is found, and read and written through${reason}`,
  async (t) => {
    const { wire, ip, run } = await makeLab(t, 9000);
    await addPair(ip, 'near', 'nearend', 9000);
    await ip('link', 'add', 'br0', 'type', 'bridge');
    await ip('link', 'set', 'br0', 'up');
    for (const port of ['ini', 'nearend']) await ip('link', 'set', port, 'master', 'br0');
    // What goes through the bridge is held against the MTU of its ports.
    for (const port of ['ini', 'nearend']) await ip('link', 'set', port, 'mtu', '1500');
    const [disk, out] = [join(wire.folder, 'disk'), join(wire.folder, 'out')];
    const data = pattern(1 << 20);
    await writeFile(disk, data);
    await startNative(t, wire, { exports: [{ shelf: 0, slot: 1, iface: 'tgt', path: disk }] });
    const [found] = JSON.parse((await run(['discover', '--iface', 'near', '--json'])).stdout) as [Discovered];
    t.is(found.sectorsPerFrame, 17);
    t.is(found.sectorsThatPass, 2);
    t.regex(
      (await run(['discover', '--iface', 'near'])).stdout,
      /! e0\.1 at .*: frames of 17 sectors get lost on the way, of 2 pass/,
    );
    const read = await run(['read', 'e0.1', '--iface', 'near', '--output', out, '--json']);
    t.is(read.exitCode, 0, read.stderr);
    t.true((await readFile(out)).equals(data));
    t.is((JSON.parse(read.stdout) as CopyReport).sectorsPerFrame, 2);
    t.is(read.stderr.match(/goes on with 2 sectors a frame/g)?.length, 1);
    const input = join(wire.folder, 'in');
    const other = Buffer.from(data).reverse();
    await writeFile(input, other);
    t.is((await run(['write', 'e0.1', '--iface', 'near', '--input', input])).exitCode, 0);
    t.true((await readFile(disk)).equals(other));
  },
);

live(`B7: the MTU of native's interface is lowered while a client reads${reason}`, async (t) => {
  const { wire, ip, run } = await makeLab(t, 9000);
  const [disk, out] = [join(wire.folder, 'disk'), join(wire.folder, 'out')];
  const data = pattern(64 << 20);
  await writeFile(disk, data);
  await startNative(t, wire, { exports: [{ shelf: 0, slot: 1, iface: 'tgt', path: disk }] });
  const reading = run(['read', 'e0.1', '--iface', 'ini', '--output', out]);
  for (let size = 0; size === 0; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    size = existsSync(out) ? (await readFile(out)).length : 0;
  }
  await ip('link', 'set', 'tgt', 'mtu', '1500');
  const { exitCode, stderr } = await reading;
  t.is(exitCode, 0, stderr);
  t.true((await readFile(out)).equals(data));
});

live(`B10: a target with one buffer is marked, as Linux's driver never sends to it${reason}`, async (t) => {
  const { run, serve } = await makeLab(t);
  await serve('tgt', { bufferCount: 1 });
  const [found] = JSON.parse((await run(['discover', '--iface', 'ini', '--json'])).stdout) as [Discovered];
  t.is(found.usableByLinux, false);
  t.regex(
    (await run(['discover', '--iface', 'ini'])).stdout,
    /e0\.1 ! .*offers 1 buffer: Linux's driver never sends to it/s,
  );
});

live(`B11: a path whose interface is down at the start takes nothing from the others${reason}`, async (t) => {
  const { ip, run, serve } = await makeLab(t);
  await addPair(ip, 'second', 'secondend', 1500);
  await ip('link', 'set', 'second', 'down');
  const { disk } = await serve('tgt');
  const words = ['read', 'e0.1', '--iface', 'ini', '--iface', 'second'];
  const read = await run(words);
  t.is(read.exitCode, 0, read.stderr);
  t.regex(read.stderr, /interface second in namespace \S+ is down: goes by the others/);
  t.regex(read.stderr, /read 1 MiB/);
  t.is(read.stdout.length > 0, disk.length > 0);
  await ip('link', 'set', 'ini', 'down');
  const none = await run(words);
  t.is(none.exitCode, 3);
  t.regex(none.stderr, /all of them are down/);
  t.is((await run(['read', 'e0.1', '--iface', 'ini', '--iface', 'nowhere'])).exitCode, 2);
});

live(`B12: an export that goes to another interface while a client reads is followed${reason}`, async (t) => {
  const { wire, ip, run, serve } = await makeLab(t);
  await addStation(ip);
  const one = await serve('tgt');
  const two = await serve('far');
  two.deaf = true;
  // The first ends in the midst of the device.
  one.options.fateIn = (frame) => {
    if (frame.kind === 'ata' && frame.ata.lba > SECTORS / 2) [one.deaf, two.deaf] = [true, false];
    return one.deaf ? [] : [0];
  };
  const out = join(wire.folder, 'out');
  const { exitCode, stderr } = await run(['read', 'e0.1', '--iface', 'near', '--output', out]);
  t.is(exitCode, 0, stderr);
  t.true((await readFile(out)).equals(one.disk));
  t.regex(stderr, /e0\.1 has moved: the same disk answers from/);
});

live(
  `B13: an interface with an MTU of 500 is a fault of its targets, and no stack trace${reason}`,
  async (t) => {
    const { ip, run, serve } = await makeLab(t);
    await serve('tgt');
    await ip('link', 'set', 'ini', 'mtu', '500');
    const json = await run(['discover', '--iface', 'ini', '--json']);
    t.is(json.exitCode, 0, json.stderr);
    const [found] = JSON.parse(json.stdout) as [Discovered];
    t.like(found, { shelf: 0, slot: 1, sectors: null, sectorsPerFrame: 0, bufferCount: 16 });
    t.regex(String(found.fault), /no sector fits into the MTU of 500 bytes/);
    for (const words of [['discover'], ['identify', 'e0.1'], ['read', 'e0.1', '--output', '/dev/null']]) {
      const result = await run([...words, '--iface', 'ini']);
      t.is(result.exitCode, words[0] === 'discover' ? 0 : 1);
      t.regex(result.stdout + result.stderr, /no sector fits into the MTU of 500 bytes/);
      t.notRegex(result.stderr, /at .*\.js|fault of aoe-lab/);
    }
  },
);

live(`D10: - is standard output and input${reason}`, async (t) => {
  const { wire, run, serve } = await makeLab(t);
  const { disk } = await serve('tgt');
  const input = Buffer.alloc(64 << 10, 0x61);
  const written = await run(['write', 'e0.1', '--iface', 'ini', '--input', '-'], input);
  t.is(written.exitCode, 0, written.stderr);
  t.true(disk.subarray(0, input.length).equals(input));
  const read = await run(['read', 'e0.1', '--iface', 'ini', '--length', '64K', '--output', '-']);
  t.is(read.stdout, input.toString());
  t.false(existsSync('-'));
  for (const words of [
    ['read', 'e0.1', '--output', '-', '--json'],
    ['read', 'e0.1', '--output', '-', '--resume'],
    ['write', 'e0.1', '--input', '-', '--resume'],
  ]) {
    t.is((await run([...words, '--iface', 'ini'], input)).exitCode, 2, words.join(' '));
  }
  t.false(existsSync(join(wire.folder, '-.resume')));
});

live(`A19: the client's error names the sector that failed and what the target said${reason}`, async (t) => {
  const { wire, run } = await makeLab(t, 9000);
  const out = join(wire.folder, 'out');
  const server = await makeBroken(t, wire, 1030);
  const { exitCode, stderr } = await run(['read', 'e0.2', '--iface', 'ini', '--output', out]);
  t.is(exitCode, 1);
  t.regex(stderr, /reading sector 1030 of e0\.2\n.*status 0x41 \(DRDY ERR\), error 0x40 \(UNC\)/);
  server.options.answer = undefined;
  const input = join(wire.folder, 'in');
  await writeFile(input, Buffer.alloc(1 << 20));
  t.is((await run(['write', 'e0.2', '--iface', 'ini', '--input', input])).exitCode, 0);
});

/** A disk e0.2 of which one sector can't be read. */
async function makeBroken(t: ExecutionContext, wire: TestWire, bad: number): Promise<FakeTarget> {
  const link = await openPacketLink({ iface: 'tgt', netns: wire.netns });
  t.teardown(() => link.close());
  const fake = new FakeTarget(link, { slot: 2, sectors: SECTORS, maxSectors: 16 });
  fake.options.answer = (request) => {
    if (
      request.kind !== 'ata' ||
      request.ata.lba + request.ata.count <= bad ||
      request.ata.lba > bad ||
      request.ata.cmdStatus === 0xec
    ) {
      return undefined;
    }
    const ata = { ...request.ata, cmdStatus: 0x41, errFeature: 0x40 };
    return { ...request, ...fake.envelope(request), ata, data: Buffer.alloc(0) };
  };
  return fake;
}
