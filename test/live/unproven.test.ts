/** A source that nothing vouches for: no command builds it unasked, and each says what it is before it is run. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import { parseDocument } from 'yaml';
import { packageRoot } from '../../src/base/files/paths.js';
import type { StatusReport } from '../../src/serve/exports/status-report.js';
import { tarOf } from '../make/archive/bytes.js';
import { serve } from '../make/source/helpers.js';
import { cliHere, jsonHere } from './support/cli.js';
import { exportOn } from './support/export.js';
import { noRoot, testUnless } from './support/machine.js';
import { type TestWire, testWire } from './support/wire.js';

const REFUSED = /building toy 1 from [\s\S]*anybody on the way[\s\S]*--unpinned/;
const REMARK = /nothing vouches for the source from http:\S+: its tree has sha256 [0-9a-f]{64}/;
const WARNING = new RegExp(`^warning: ${REMARK.source}$`, 'm');

/** A wire, and a target `toy` whose source comes by plain HTTP; what serves is code of this package. */
async function toyWire(t: ExecutionContext): Promise<TestWire> {
  const wire = await testWire(t);
  const archive = gzipSync(tarOf([{ name: 'toy-1/main.c', content: 'int x;\n' }]));
  const { url } = await serve(t, (_, response) => response.end(archive));
  const recipe = parseDocument(await readFile(join(packageRoot, 'recipes', 'sqaoed.yaml'), 'utf8'));
  recipe.set('name', 'toy');
  recipe.set('verified', []);
  recipe.set('quirks', []);
  const sources = [{ type: 'archive', url: `${url}/toy-1.tgz`, state: 'alive' }];
  recipe.set('releases', [{ version: '1', default: true, sources }]);
  const recipes = join(wire.folder, 'recipes');
  await mkdir(recipes);
  await writeFile(join(recipes, 'toy.yaml'), String(recipe));
  const env = { ...wire.env, AOE_LAB_RECIPES: recipes, AOE_LAB_CACHE: join(wire.folder, 'store') };
  return { ...wire, env };
}

async function assertServed(t: ExecutionContext, wire: TestWire, ...slots: number[]): Promise<void> {
  const { exports } = await jsonHere<StatusReport>(['status'], wire.env);
  t.deepEqual(
    exports.map(({ slot, state }) => [slot, state]),
    slots.map((slot) => [slot, 'serving']),
  );
}

testUnless(noRoot(), 'HOSTILE 15: build refuses it, and says what it is once it is asked to', async (t) => {
  const { env } = await toyWire(t);
  const refused = await cliHere(['build', 'toy'], env);
  t.is(refused.exitCode, 1);
  t.regex(refused.stderr, REFUSED);
  t.is(refused.stdout, '');
  const built = await cliHere(['build', 'toy', '--unpinned'], env);
  t.is(built.exitCode, 0, built.stderr);
  t.regex(built.stdout, new RegExp(`^source: ${REMARK.source}$`, 'm'));
  const json = await jsonHere<{ source: object }>(['build', 'toy', '--unpinned'], env);
  t.like(json, { source: { unproven: true, pinned: 'none' } });
  // What was built once is not therefore taken.
  t.regex((await cliHere(['build', 'toy'], env)).stderr, REFUSED);
});

testUnless(noRoot(), 'HOSTILE 15: export refuses it, and warns of it before it is started', async (t) => {
  t.timeout(300_000);
  const wire = await toyWire(t);
  const words = exportOn(wire, 'toy', 1, '--size', '1M');
  for (const more of [[], ['--dry-run']]) {
    const refused = await cliHere([...words, ...more], wire.env);
    t.is(refused.exitCode, 1);
    t.regex(refused.stderr, REFUSED);
    const taken = await cliHere([...words, ...more, '--unpinned'], wire.env);
    t.is(taken.exitCode, 0, taken.stderr);
    t.regex(taken.stderr, WARNING);
    await cliHere(['unexport', '--force', '--all'], wire.env);
  }
  await assertServed(t, wire);
  // It can't be exported, and what it is was said all the same.
  await cliHere([...words, '--unpinned'], wire.env);
  const failed = await cliHere([...words, '--unpinned'], wire.env);
  t.not(failed.exitCode, 0);
  t.regex(failed.stderr, WARNING);
});

testUnless(
  noRoot(),
  'HOSTILE 15: apply refuses it, and warns of it once where the lab says unpinned',
  async (t) => {
    t.timeout(300_000);
    const wire = await toyWire(t);
    const file = join(wire.folder, 'lab.yaml');
    const write = (toy: object): Promise<void> =>
      writeFile(
        file,
        JSON.stringify({
          lab: 'unproven',
          segments: { san: { interface: wire.target, netns: wire.netns } },
          defaults: { segment: 'san', size: '1M' },
          implementations: { toy },
          hosts: { here: {} },
          exports: [1, 2].map((slot) => ({
            ...{ address: `e0.${slot}`, host: 'here', implementation: 'toy' },
            file: join(wire.folder, `disk${slot}`),
          })),
        }),
      );
    for (const toy of [{}, { unpinned: false }]) {
      await write(toy);
      const refused = await cliHere(['apply', '-f', file, '--yes'], wire.env);
      t.is(refused.exitCode, 1);
      t.regex(refused.stderr, /anybody on the way/);
      t.notRegex(refused.stderr, WARNING);
      await assertServed(t, wire);
    }
    await write({ unpinned: true });
    const applied = await cliHere(['apply', '-f', file, '--yes'], wire.env);
    t.is(applied.exitCode, 0, applied.stderr);
    t.is(applied.stderr.match(new RegExp(WARNING, 'gm'))?.length, 1, applied.stderr);
    await assertServed(t, wire, 1, 2);
    const ended = await cliHere(['destroy', '-f', file, '--yes', '--allow', 'used'], wire.env);
    t.is(ended.exitCode, 0, ended.stderr);
    await assertServed(t, wire);
  },
);

testUnless(noRoot(), 'HOSTILE 15: so does render ansible, whose hosts take what is built here', async (t) => {
  const { env, folder } = await toyWire(t);
  const file = join(folder, 'lab.yaml');
  const render = ['render', 'ansible', '-f', file, '-o', join(folder, 'ansible')];
  const of = { host: 'one', implementation: 'toy', interface: 'eth0', size: '1M', persist: true };
  const write = (toy: object): Promise<void> =>
    writeFile(
      file,
      JSON.stringify({
        ...{ lab: 'unproven', implementations: { toy }, hosts: { one: {} } },
        exports: [1, 2].map((slot) => ({ ...of, address: `e0.${slot}`, file: `/srv/disk${slot}` })),
      }),
    );
  await write({});
  const refused = await cliHere(render, env);
  t.is(refused.exitCode, 1, refused.stderr);
  t.regex(refused.stderr, REFUSED);
  await write({ unpinned: true });
  const rendered = await cliHere(render, env);
  t.is(rendered.exitCode, 0, rendered.stderr);
  t.is(rendered.stderr.match(new RegExp(WARNING, 'gm'))?.length, 1, rendered.stderr);
});
