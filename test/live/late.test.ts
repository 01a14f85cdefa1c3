/** Files, interfaces and MTUs that change under ggaoed and qaoed: what is away is left out and named, and served when it is there. */
import { randomBytes } from 'node:crypto';
import { readlink, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { here } from '../../src/hosts/host/local.js';
import type { StatusReport } from '../../src/serve/exports/status-report.js';
import { openTarget } from '../../src/wire/initiator/open.js';
import { openPacketLink } from '../../src/wire/link/packet.js';
import { cli, jsonHere } from './support/cli.js';
import { askFrom, discoverOn, exportOn, type Found } from './support/export.js';
import { noCompiler, noRoot, sourceTree, testUnless } from './support/machine.js';
import { loopOn, ownDev } from './support/own-dev.js';
import { type TestWire, testWire } from './support/wire.js';

const SUPERVISED = ['--restart', 'on-failure'];

async function statusOf(wire: TestWire): Promise<StatusReport['exports']> {
  return (await jsonHere<StatusReport>(['status'], wire.env)).exports;
}

/** Kills the program, not what starts it again. */
async function killProgram(wire: TestWire, name: string): Promise<void> {
  for (const pid of (await statusOf(wire))[0]?.pids ?? []) {
    if (basename(await readlink(`/proc/${pid}/exe`)) === name) process.kill(pid, 'SIGKILL');
  }
}

/** Waits until just these slots answer. */
async function untilAnswered(wire: TestWire, slots: number[], from = askFrom(wire)): Promise<void> {
  for (;;) {
    const found = await jsonHere<Found[]>(['discover', ...from], wire.env);
    const answered = found.map(({ slot }) => slot).sort((a, b) => a - b);
    if (answered.join() === slots.join()) return;
  }
}

const DAEMONS = [
  { name: 'ggaoed', release: '1.1', tree: 'ggaoed-1.1' },
  { name: 'ggaoed', release: '0.9', tree: 'ggaoed-0.9' },
  { name: 'qaoed', release: 'trunk', tree: 'qaoed-trunk' },
];

for (const { name, release, tree } of DAEMONS) {
  const source = sourceTree(tree);
  const reason = noRoot() ?? noCompiler() ?? ('reason' in source ? source.reason : undefined);
  const where = 'path' in source ? ['--release', release, '--source', source.path] : [];
  const title = `${name} ${release}`;

  testUnless(
    reason,
    `D2: ${title} whose only file is away at its start serves it when it is back`,
    async (t) => {
      const wire = await testWire(t);
      const disk = join(wire.folder, 'disk1');
      await jsonHere(exportOn(wire, name, 1, '--size', '1M', ...SUPERVISED, ...where), wire.env);
      await rename(disk, `${disk}.away`);
      await killProgram(wire, name);
      await untilAnswered(wire, []);
      // Killed, and then started in vain.
      for (let starts = 0; starts < 2; ) {
        const { text } = await jsonHere<{ text: string }>(['logs', 'e0.1'], wire.env);
        starts = text.match(/started again/g)?.length ?? 0;
      }
      await rename(`${disk}.away`, disk);
      await untilAnswered(wire, [1]);
      t.is((await statusOf(wire))[0]?.state, 'serving');
    },
  );

  testUnless(
    reason,
    `D2, D3: ${title} serves the others while a file is away, names it, and serves it when it is back`,
    async (t) => {
      const wire = await testWire(t);
      const disk = join(wire.folder, 'disk2');
      for (const slot of [1, 2, 3]) {
        await jsonHere(exportOn(wire, name, slot, '--size', '1M', ...SUPERVISED, ...where), wire.env);
      }
      await rename(disk, `${disk}.away`);
      await killProgram(wire, name);
      await untilAnswered(wire, [1, 3]);
      const { text } = await jsonHere<{ text: string }>(['logs', 'e0.2'], wire.env);
      t.regex(text, /disk2.*No such file/);
      const faults = (await statusOf(wire)).map((one) => one.faults.join());
      t.regex(faults[1] ?? '', /disk2 is gone/);
      t.deepEqual([faults[0], faults[2]], ['', '']);
      await rename(`${disk}.away`, disk);
      await untilAnswered(wire, [1, 2, 3]);
    },
  );
}

for (const { name, release, tree } of [
  ...DAEMONS.filter((one) => one.release !== '0.9'),
  { name: 'native', release: '', tree: undefined },
]) {
  const source: { path?: string; reason?: string } = tree === undefined ? {} : sourceTree(tree);
  const reason = noRoot() ?? source.reason ?? (tree === undefined ? undefined : noCompiler());
  const where = source.path === undefined ? [] : ['--release', release, '--source', source.path];

  testUnless(
    reason,
    `A1, D2: ${name} ${release} never opens another disk that has the number of its own, and serves that once it is there`,
    async (t) => {
      const wire = await testWire(t);
      const own = await loopOn(t, join(wire.folder, 'own.img'));
      const other = await loopOn(t, join(wire.folder, 'other.img'));
      const dev = await ownDev(t);
      const inside = (args: string[]) => cli(args, wire.env, { inside: dev.inside });
      const number = (device: string) => dev.run('cp', '-a', '--remove-destination', device, '/dev/sdx');
      const log = async () => (await jsonHere<{ text: string }>(['logs', 'e0.1'], wire.env)).text;
      number(own);
      const exporting = exportOn(wire, name, 1, ...SUPERVISED, ...where);
      exporting[exporting.indexOf('--file') + 1] = '/dev/sdx';
      const { exitCode, stderr } = await inside(exporting);
      t.is(exitCode, 0, stderr);
      const more = (slot: number) =>
        inside(exportOn(wire, name, slot, '--size', '1M', ...SUPERVISED, ...where));
      await more(2);
      await untilAnswered(wire, [1, 2]);
      number(other);
      await killProgram(wire, name === 'native' ? 'node' : name);
      while (!(await log()).includes('/dev/sdx is not served: it is another disk')) await sleep(50);
      // A reload opens what is there.
      await more(3);
      await untilAnswered(wire, [2, 3]);
      const served = [...(await log()).matchAll(/is not served: it is another disk/g)];
      dev.run('rm', '/dev/sdx');
      while (!(await log()).includes('/dev/sdx is not served: it is not there')) await sleep(50);
      number(own);
      await untilAnswered(wire, [1, 2, 3]);
      t.is(
        served.length,
        [...(await log()).matchAll(/is not served: it is another disk/g)].length,
        'told once',
      );
    },
  );
}

const qaoed = sourceTree('qaoed-trunk');
const noQaoed = noRoot() ?? noCompiler() ?? ('reason' in qaoed ? qaoed.reason : undefined);
const fromTree = 'path' in qaoed ? ['--source', qaoed.path] : [];

testUnless(noQaoed, 'D3: qaoed serves the others while an interface is away', async (t) => {
  const wire = await testWire(t);
  const inside = here.inNamespace(wire.netns);
  await inside.run(['ip', 'link', 'add', 'a1', 'type', 'veth', 'peer', 'name', 'b1']);
  for (const end of ['a1', 'b1']) await inside.run(['ip', 'link', 'set', end, 'addrgenmode', 'none', 'up']);
  const more = ['--size', '1M', ...SUPERVISED, ...fromTree];
  await jsonHere(exportOn(wire, 'qaoed', 1, ...more), wire.env);
  const second = exportOn(wire, 'qaoed', 2, ...more).map((word) => (word === 'tgt' ? 'a1' : word));
  await jsonHere(second, wire.env);
  const rename1 = async (from: string, to: string): Promise<void> => {
    await inside.run(['ip', 'link', 'set', from, 'down']);
    await inside.run(['ip', 'link', 'set', from, 'name', to]);
    await inside.run(['ip', 'link', 'set', to, 'up']);
  };
  await rename1('a1', 'elsewhere');
  await killProgram(wire, 'qaoed');
  await untilAnswered(wire, [1]);
  await untilAnswered(wire, [], ['--iface', 'b1', '--netns', wire.netns]);
  await rename1('elsewhere', 'a1');
  await untilAnswered(wire, [2], ['--iface', 'b1', '--netns', wire.netns]);
  t.deepEqual(
    (await statusOf(wire)).map(({ faults }) => faults),
    [[], []],
  );
});

testUnless(noQaoed, 'B14: qaoed follows the MTU of its interface, down and up', async (t) => {
  const wire = await testWire(t, 9000);
  const data = randomBytes(1 << 20);
  await writeFile(join(wire.folder, 'disk1'), data);
  await jsonHere(exportOn(wire, 'qaoed', 1, ...fromTree), wire.env);
  const inside = here.inNamespace(wire.netns);
  for (const [mtu, sectors] of [
    [9000, 17],
    [1500, 2],
    [9000, 17],
    [4200, 8],
  ] as const) {
    for (const end of ['tgt', 'ini']) await inside.run(['ip', 'link', 'set', end, 'mtu', String(mtu)]);
    const [found] = await jsonHere<Found[]>(discoverOn(wire), wire.env);
    t.is(found?.maxSectors, sectors);
    const [now] = await statusOf(wire);
    t.deepEqual(now?.faults, []);
    const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns });
    try {
      const target = await openTarget(link, { shelf: 0, slot: 1 });
      const part = randomBytes(64 * 512);
      await target.write(100, part);
      part.copy(data, 100 * 512);
      t.true((await target.read(0, 2048)).equals(data));
    } finally {
      await link.close();
    }
  }
});
