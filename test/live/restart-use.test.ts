/** A restart asks who uses what a name means now, as an export does, and tells initiators of another file. */
import { readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { here } from '../../src/hosts/host/local.js';
import type { ExportReport } from '../../src/serve/exports/export.js';
import type { StatusReport } from '../../src/serve/exports/status-report.js';
import { attachLoop, detachLoop } from '../../src/serve/storage/loop.js';
import { cliHere, jsonHere } from './support/cli.js';
import { exporting, firstBytes, image, statusOf } from './support/disks.js';
import { askFrom, assertNothingLeft, exportOn, killAll } from './support/export.js';
import { builtVblade, noRoot, testUnless } from './support/machine.js';
import { detachFrom, loopOn } from './support/own-dev.js';
import { type TestWire, testWire } from './support/wire.js';

const vblade = await builtVblade();
const SIZE = 1 << 20;

/** Files whose texts are their names, and a link to the first that e0.1 exports. */
async function prepare(t: ExecutionContext): Promise<{
  wire: TestWire;
  path: (name: string) => string;
  relink: (name: string, to: string) => Promise<void>;
}> {
  const wire = await testWire(t);
  const path = (name: string): string => join(wire.folder, name);
  for (const name of ['one', 'two', 'six']) await image(path(name), name, SIZE);
  const relink = async (name: string, to: string): Promise<void> => {
    await symlink(to, path('link'));
    await rename(path('link'), path(name));
  };
  await relink('current', 'one');
  await jsonHere(exporting(wire, 1, path('current')), wire.env);
  return { wire, path, relink };
}

async function serialOf(wire: TestWire): Promise<string> {
  return (await jsonHere<{ serial: string }>(['identify', 'e0.1', ...askFrom(wire)], wire.env)).serial;
}

testUnless(
  noRoot(),
  'A5: what a link leads to now is served by a restart only if nobody uses it, and by a new serial number',
  async (t) => {
    const { wire, path, relink } = await prepare(t);
    const restart = (...more: string[]) => cliHere(['restart', 'e0.1', ...more], wire.env);
    const serial = await serialOf(wire);
    const device = await loopOn(t, path('two'), SIZE);
    await relink('current', 'two');
    const refused = await restart();
    t.is(refused.exitCode, 1, refused.stdout);
    t.true(refused.stderr.includes(`it is attached as ${device}; nothing was stopped`), refused.stderr);
    t.regex(refused.stderr, /current meant .*one, and means .*two now/);
    t.regex(refused.stderr, /restart e0\.1\S* --allow in-use/);
    t.is(await firstBytes(wire, 1, 3), 'one');
    t.is(await serialOf(wire), serial);
    t.is((await restart('--allow', 'mounted')).exitCode, 1);
    const wrong = await restart('--allow', 'address');
    t.is(wrong.exitCode, 2, 'that is judged by itself');

    const allowed = await restart('--allow', 'in-use');
    t.regex(
      allowed.stdout,
      /means .*two now; initiators know it .* by its new serial number$/m,
      allowed.stderr,
    );
    t.is(await firstBytes(wire, 1, 3), 'two');
    const renewed = await serialOf(wire);
    t.not(renewed, serial);
    // What was overridden holds for this file, whoever starts its target again.
    await killAll((await statusOf(wire, 1)).pids);
    t.is((await restart()).exitCode, 0);
    t.is(await serialOf(wire), renewed);

    await loopOn(t, path('six'), SIZE);
    await relink('current', 'six');
    t.is((await restart()).exitCode, 1, 'and for no other');
    t.is(await firstBytes(wire, 1, 3), 'two');
  },
);

testUnless(
  noRoot(),
  'A5: what came to be used while nobody served it is not served by a restart, nor beside another export',
  async (t) => {
    const { wire, path } = await prepare(t);
    await killAll((await statusOf(wire, 1)).pids);
    const device = await loopOn(t, path('one'), SIZE);
    const attached = `it is attached as ${device}`;
    const { exitCode, stderr } = await cliHere(['restart', 'e0.1'], wire.env);
    t.is(exitCode, 1);
    t.true(stderr.includes(attached), stderr);
    // Its program would serve the first export as well.
    const other = await cliHere(exporting(wire, 2, path('two')), wire.env);
    t.is(other.exitCode, 1);
    t.true(
      other.stderr.includes('its target has other exports') && other.stderr.includes(attached),
      other.stderr,
    );
    t.is((await statusOf(wire, 1)).state, 'down');
    await detachLoop(here, device);
    await jsonHere(exporting(wire, 2, path('two')), wire.env);
    t.is(await firstBytes(wire, 1, 3), 'one');
    t.is(await firstBytes(wire, 2, 3), 'two');
  },
);

testUnless(
  noRoot(),
  'A4: a link that comes to lead to the file of another export is not served, and told as long as it does',
  async (t) => {
    const { wire, path, relink } = await prepare(t);
    await relink('other', 'two');
    await jsonHere(exporting(wire, 2, path('other')), wire.env);
    await relink('other', 'one');
    const { stderr } = await cliHere(['restart', 'e0.2'], wire.env);
    t.regex(stderr, /it is exported as e0\.1@\S+; nothing was stopped/);
    t.is(await firstBytes(wire, 2, 3), 'two');
    const told = await statusOf(wire, 1);
    t.like(told, { state: 'impaired', remedy: 'file' });
    t.regex(
      told.faults.join(),
      /^e0\.2@\S+ exports the same bytes: end all but one, or aoe-lab restart e0\.1\S+ --allow exported$/,
    );
    await relink('other', 'two');
    t.deepEqual((await statusOf(wire, 1)).faults, []);
    await relink('other', 'one');
    // Its other export would serve it as well.
    t.is((await cliHere(['restart', 'e0.1', '--allow', 'exported'], wire.env)).exitCode, 1);
    await jsonHere(['restart', '--all', '--allow', 'exported'], wire.env);
    t.deepEqual((await statusOf(wire, 1)).faults, []);
    t.is(await firstBytes(wire, 2, 3), 'one');
    // Entries of earlier versions do not tell what was overridden.
    const folder = join(wire.env.AOE_LAB_STATE as string, 'exports');
    for (const file of await readdir(folder)) {
      const { allowed: _, ...entry } = JSON.parse(await readFile(join(folder, file), 'utf8'));
      await writeFile(join(folder, file), JSON.stringify(entry));
    }
    t.is((await statusOf(wire, 1)).state, 'impaired');
    await jsonHere(['restart', 'e0.1', '--allow', 'exported'], wire.env);
    t.deepEqual((await statusOf(wire, 2)).faults, []);
  },
);

testUnless(
  noRoot(),
  'A2: two files that were exchanged under one daemon are told, and each is served as its name says after a restart',
  async (t) => {
    const { wire, path } = await prepare(t);
    await rm(path('current'));
    await jsonHere(['unexport', 'e0.1'], wire.env);
    for (const [slot, name] of [
      [1, 'one'],
      [2, 'two'],
    ] as const)
      await jsonHere(exporting(wire, slot, path(name)), wire.env);
    const serial = await serialOf(wire);
    await rename(path('one'), path('aside'));
    await rename(path('two'), path('one'));
    await rename(path('aside'), path('two'));
    for (const slot of [1, 2]) {
      const { state, remedy, faults } = await statusOf(wire, slot);
      t.deepEqual([state, remedy], ['impaired', 'restart']);
      t.regex(faults.join(), /was replaced: its target serves the one that was there, which lives on as/);
    }
    const { stdout, stderr } = await cliHere(['restart', '--all'], wire.env);
    t.regex(stdout, /one is another file than the one that was served before/, stderr);
    t.deepEqual([await firstBytes(wire, 1, 3), await firstBytes(wire, 2, 3)], ['two', 'one']);
    t.not(await serialOf(wire), serial);
    t.deepEqual((await statusOf(wire, 1)).faults, []);
  },
);

testUnless(
  noRoot(),
  'A3: where one of several replaced files is in use, nothing of the others is changed either',
  async (t) => {
    const { wire, path } = await prepare(t);
    await jsonHere(['unexport', 'e0.1'], wire.env);
    for (const [slot, name] of [
      [1, 'one'],
      [2, 'two'],
    ] as const) {
      await jsonHere([...exporting(wire, slot, path(name)), '--loop'], wire.env);
      await image(path('new'), 'new', SIZE);
      await rename(path('new'), path(name));
    }
    const before = await statusOf(wire, 1);
    t.regex(before.faults.join(), /was replaced/);
    await loopOn(t, path('two'), SIZE);
    for (const _ of ['once', 'and again']) {
      const { exitCode, stderr } = await cliHere(['restart', '--all'], wire.env);
      t.is(exitCode, 1, stderr);
    }
    const { device, faults } = await statusOf(wire, 1);
    t.deepEqual({ device, faults }, { device: before.device, faults: before.faults });
    t.is(await firstBytes(wire, 1, 3), 'one');
  },
);

testUnless(
  'reason' in vblade ? vblade.reason : undefined,
  'A14: of a disk on two interfaces none is restarted alone to serve another file',
  async (t) => {
    const { wire, path, relink } = await prepare(t);
    await jsonHere(['unexport', 'e0.1'], wire.env);
    const inside = here.inNamespace(wire.netns);
    await inside.run(['ip', 'link', 'add', 'tgt2', 'type', 'veth', 'peer', 'name', 'ini2']);
    for (const end of ['tgt2', 'ini2']) {
      await inside.run(['ip', 'link', 'set', end, 'addrgenmode', 'none', 'up']);
    }
    const ids = [];
    for (const target of [wire.target, 'tgt2']) {
      const args = exportOn({ ...wire, target }, 'vblade', 1);
      args[args.indexOf('--file') + 1] = path('current');
      ids.push((await jsonHere<ExportReport>(args, wire.env)).id);
    }
    await relink('current', 'two');
    const { exitCode, stderr } = await cliHere(['restart', ids[0] as string], wire.env);
    t.is(exitCode, 1);
    t.true(stderr.includes(`and ${ids[1]}, another path to it, would go on with the former`), stderr);
    t.is(await firstBytes(wire, 1, 3), 'one');
    const { stdout } = await cliHere(['restart', ...ids], wire.env);
    t.regex(stdout, /initiators know it from the former one by nothing that they can see/);
    t.is(await firstBytes(wire, 1, 3), 'two');
  },
);

testUnless(
  noRoot(),
  'D3: a daemon that died comes back without the export that may not be served, which waits until it may',
  async (t) => {
    const wire = await testWire(t);
    for (const slot of [1, 2]) await jsonHere(exportOn(wire, 'native', slot, '--size', '1M'), wire.env);
    const pids = (await jsonHere<StatusReport>(['status'], wire.env)).exports[0]?.pids ?? [];
    await killAll(pids);
    const device = await attachLoop(here, join(wire.folder, 'disk2'), { readOnly: false, directIo: false });
    const detach = () => here.run(['losetup', '-d', device]);
    t.teardown(() => detachFrom(join(wire.folder, 'disk2')));
    const both = await cliHere(['restart', '--all'], wire.env);
    t.is(both.exitCode, 1);
    t.regex(
      both.stdout,
      /^restarted e0\.1@[\s\S]*error restarting e0\.2@.*\n.*it is attached as \/dev\/loop/m,
    );
    const told = async () =>
      (await jsonHere<StatusReport>(['status'], wire.env)).exports.map(({ state, faults }) => [
        state,
        faults.join(),
      ]);
    const [one, two] = await told();
    t.deepEqual(one, ['serving', '']);
    t.is(two?.[0], 'down');
    t.regex(
      two?.[1] ?? '',
      /its daemon was started without it: it is attached as [^;]*: aoe-lab restart e0\.2@/,
    );
    // Neither what comes and goes beside it, nor a restart of the other, brings it back.
    await jsonHere(exportOn(wire, 'native', 3, '--size', '1M'), wire.env);
    await jsonHere(['unexport', 'e0.3', '--force'], wire.env);
    const beside = await cliHere(['restart', 'e0.1'], wire.env);
    t.is(beside.exitCode, 0, beside.stderr);
    t.regex(beside.stdout, /^e0\.2@\S+, of the same daemon, is not served: it is attached as /m);
    await detach();
    t.is((await cliHere(['restart', 'e0.2'], wire.env)).exitCode, 0);
    t.deepEqual(await told(), [
      ['serving', ''],
      ['serving', ''],
    ]);
    // What is served is not ended for another.
    await attachLoop(here, join(wire.folder, 'disk2'), { readOnly: false, directIo: false });
    t.is((await cliHere(['restart', 'e0.1'], wire.env)).exitCode, 0);
    await jsonHere(['unexport', '--all', '--force'], wire.env);
    await assertNothingLeft(t, wire);
  },
);
