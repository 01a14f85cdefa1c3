/** Ending exports: what is in use needs a word more, names and --all exclude each other, and logs outlive their exports. */
import { existsSync } from 'node:fs';
import { link, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { here } from '../../src/hosts/host/local.js';
import type { StatusReport } from '../../src/serve/exports/status-report.js';
import { attachLoop, listLoops } from '../../src/serve/storage/loop.js';
import { cli, jsonHere } from './support/cli.js';
import { askFrom, exportOn } from './support/export.js';
import { builtVblade, noRoot, testUnless } from './support/machine.js';
import { detachFrom } from './support/own-dev.js';
import { keepUsing } from './support/steady-io.js';
import { testWire } from './support/wire.js';

const built = await builtVblade();

testUnless(
  'reason' in built ? built.reason : undefined,
  'an export that an initiator has just read or written is ended only with the override; one that is idle is ended',
  async (t) => {
    const wire = await testWire(t);
    for (const [slot, implementation] of [
      [1, 'native'],
      [2, 'native'],
      [3, 'vblade'],
      [4, 'vblade'],
    ] as const) {
      await jsonHere(exportOn(wire, implementation, slot, '--size', '1M'), wire.env);
    }
    await keepUsing(t, wire, 1, (target) => target.read(0, 8));
    await keepUsing(t, wire, 3, (target) => target.write(0, Buffer.alloc(4096, 'x')));
    // The file that is served was written, whatever it is called; another one that has its name tells nothing.
    const disk = (slot: number) => join(wire.folder, `disk${slot}`);
    await rename(disk(3), join(wire.folder, 'renamed'));
    await writeFile(disk(3), 'x');
    await utimes(disk(3), 0, 0);
    await rm(disk(2));
    await rename(disk(4), join(wire.folder, 'other'));
    await writeFile(disk(4), 'x');
    for (const name of ['e0.1', 'e0.3']) {
      const { exitCode, stderr } = await cli(['unexport', name], wire.env);
      t.is(exitCode, 2, stderr);
      t.regex(stderr, /an initiator used e0\.\d@\S+ \d+ s ago[\s\S]*--allow used/);
    }
    // Nothing of several is ended where one is in use.
    t.is((await cli(['unexport', '--all'], wire.env)).exitCode, 2);
    t.is((await jsonHere<StatusReport>(['status'], wire.env)).exports.length, 4);
    for (const [args, said] of [
      [['e0.2', 'e0.4'], /disk2, which it made, was gone already\n.*disk4 was left alone/],
      [['e0.1', '--allow', 'used'], /e0\.1/],
      [['e0.3', '--force'], /disk3 was left alone/],
    ] as const) {
      const { exitCode, stdout, stderr } = await cli(['unexport', ...args], wire.env);
      t.is(exitCode, 0, stderr);
      t.regex(stdout, said);
    }
  },
);

for (const implementation of ['native', 'vblade'] as const) {
  for (const loop of [[], ['--loop']]) {
    testUnless(
      implementation === 'native' ? noRoot() : 'reason' in built ? built.reason : undefined,
      `data: a file that was removed and that ${implementation}${loop.length > 0 ? ', by a loop device,' : ''} alone still has goes with no command that was not told so`,
      async (t) => {
        const wire = await testWire(t);
        const data = join(wire.folder, 'data');
        await writeFile(data, 'x'.repeat(4096));
        await jsonHere(exportOn(wire, implementation, 1, '--size', '1M', ...loop), wire.env);
        await cli(['write', 'e0.1', ...askFrom(wire), '--input', data], wire.env);
        await rm(join(wire.folder, 'disk1'));
        const refused = await cli(['unexport', 'e0.1', '--allow', 'used'], wire.env);
        t.is(refused.exitCode, 2, refused.stderr);
        t.regex(refused.stderr, /disk1 was removed, and lives on only as long as e0\.1@.*--allow removed/s);
        const [, at] = /cp --sparse=always (\/proc\/\d+\/fd\/\d+) /.exec(refused.stderr) ?? [];
        if (loop.length === 0)
          t.is((await readFile(at ?? '')).subarray(0, 4096).toString(), 'x'.repeat(4096));
        t.like((await jsonHere<StatusReport>(['status'], wire.env)).exports, [{ slot: 1 }]);
        const ended = await cli(['unexport', 'e0.1', '--allow', 'used,removed'], wire.env);
        t.is(ended.exitCode, 0, ended.stderr);
      },
    );
  }
}

testUnless(
  noRoot(),
  'names and --all exclude each other; --dry-run says what would end, and changes nothing',
  async (t) => {
    const wire = await testWire(t);
    await jsonHere(exportOn(wire, 'native', 1, '--size', '1M'), wire.env);
    const both = await cli(['unexport', 'e0.1', '--all'], wire.env);
    t.is(both.exitCode, 2);
    t.regex(both.stderr, /--all ends every export, and some are named as well/);
    const planned = await jsonHere<{ id: string; made: boolean }[]>(
      ['unexport', '--all', '--dry-run'],
      wire.env,
    );
    t.deepEqual(
      planned.map(({ made }) => made),
      [true],
    );
    t.is((await jsonHere<StatusReport>(['status'], wire.env)).exports.length, 1);
  },
);

testUnless(noRoot(), 'the log of an export is there after it has ended, for two weeks', async (t) => {
  const wire = await testWire(t);
  await jsonHere(exportOn(wire, 'native', 1, '--size', '1M'), wire.env);
  const { path, text } = await jsonHere<{ path: string; text: string }>(['logs', 'e0.1'], wire.env);
  t.regex(text, /^aoe-lab: e0\.1@\S+ is exported at \d{4}-\S+Z$[\s\S]*^\d{4}-\S+Z .*2048 sectors/m);
  await jsonHere(['unexport', 'e0.1'], wire.env);
  t.regex(await readFile(path, 'utf8'), /2048 sectors/);
  // What the same daemon printed for others, or before, belongs to no export of now.
  await jsonHere(exportOn(wire, 'native', 1, '--size', '2M'), wire.env);
  const later = await jsonHere<{ text: string; skipped: number }>(['logs', 'e0.1'], wire.env);
  t.regex(later.text, /4096 sectors/);
  t.notRegex(later.text, /2048 sectors/);
  t.is((await readFile(path)).subarray(later.skipped).toString(), later.text);
  await jsonHere(['unexport', 'e0.1'], wire.env);
  const name = path.replace(/^.*\/|\.log$/g, '');
  t.regex((await jsonHere<{ text: string }>(['logs', name], wire.env)).text, /2048 sectors/);
  const old = Date.now() / 1000 - 15 * 86_400;
  await utimes(path, old, old);
  await jsonHere(exportOn(wire, 'native', 2, '--size', '1M', '--netns', wire.netns), wire.env);
  await jsonHere(['unexport', 'e0.2'], wire.env);
  const kept = await cli(['logs', 'e0.9'], wire.env);
  t.is(kept.exitCode, 2);
});

testUnless(
  noRoot(),
  'data: a file that an export made stays as long as another serves it, and goes with the last; one that somebody else has stays',
  async (t) => {
    const wire = await testWire(t);
    const file = join(wire.folder, 'disk1');
    const sliced = (slot: number, ...more: string[]) => [
      ...exportOn(wire, 'native', slot).map((word) =>
        word === join(wire.folder, `disk${slot}`) ? file : word,
      ),
      ...more,
    ];
    const end = async (...args: string[]) => {
      const { exitCode, stdout, stderr } = await cli(['unexport', ...args, '--allow', 'used'], wire.env);
      t.is(exitCode, 0, stderr);
      return stdout;
    };
    await jsonHere(sliced(1, '--size', '4M', '--offset', '0', '--length', '4096'), wire.env);
    await jsonHere(sliced(2, '--offset', '4096'), wire.env);
    const [planned] = await jsonHere<{ by: string[] }[]>(['unexport', 'e0.1', '--dry-run'], wire.env);
    t.regex(String(planned?.by), /^it is exported as e0\.2@/);
    t.regex(await end('e0.1', '--remove-file'), /disk1, which it made, stays: it is exported as e0\.2@/);
    t.true(existsSync(file));
    t.regex(await end('e0.2'), /removed .*disk1$/m);
    t.false(existsSync(file));
    await jsonHere(sliced(1, '--size', '4M', '--offset', '0', '--length', '4096'), wire.env);
    await jsonHere(sliced(2, '--offset', '4096'), wire.env);
    t.regex(await end('--all'), /stays: it is exported as e0\.2@[\s\S]*e0\.2@.* and removed .*disk1$/m);

    await jsonHere(exportOn(wire, 'native', 1, '--size', '1M'), wire.env);
    const device = await attachLoop(here, file, { readOnly: true, directIo: false });
    t.teardown(() => detachFrom(file));
    const [attached] = await jsonHere<{ by: string[] }[]>(['unexport', 'e0.1', '--dry-run'], wire.env);
    t.deepEqual(attached?.by, [`it is attached as ${device}`]);
    t.regex(
      await end('e0.1', '--remove-file'),
      /disk1, which it made, was kept: it is attached as \/dev\/loop/,
    );
    t.true(existsSync(file));
  },
);

testUnless(
  noRoot(),
  'data: a loop device that somebody attached to the file later is not detached with the export; nor a further name removed',
  async (t) => {
    const wire = await testWire(t);
    const file = join(wire.folder, 'disk1');
    await jsonHere(exportOn(wire, 'native', 1, '--size', '1M', '--loop'), wire.env);
    const options = { readOnly: true, directIo: false };
    const device = await attachLoop(here, file, options);
    t.teardown(() => detachFrom(file));
    await jsonHere(['restart', 'e0.1'], wire.env);
    await jsonHere(['unexport', 'e0.1'], wire.env);
    t.deepEqual(
      (await listLoops(here, file)).map((loop) => loop.device),
      [device],
    );
    await here.run(['losetup', '-d', device]);
    await rm(file);

    await jsonHere(exportOn(wire, 'native', 1, '--size', '1M'), wire.env);
    const other = join(wire.folder, 'disk2');
    await link(file, other);
    await jsonHere(exportOn(wire, 'native', 2, '--allow', 'exported'), wire.env);
    await jsonHere(['unexport', 'e0.1'], wire.env);
    await jsonHere(['unexport', 'e0.2'], wire.env);
    t.true(existsSync(other));
  },
);
