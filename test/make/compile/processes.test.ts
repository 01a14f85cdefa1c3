/** Builds by several processes at once, and by one that is killed. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import type { Recipe } from '../../../src/make/recipe/schema.js';
import { temporaryFolder } from '../../base/temporary.js';
import { noCompiler, testUnless } from '../../live/support/machine.js';
import { projectRecipe, writeProject } from './project.js';

interface Said {
  kind: string;
  cached?: boolean;
  key?: string;
}

interface Builder {
  child: ChildProcess;
  /** How many steps it has run. */
  steps(): number;
  /** Waits for a line of that kind. */
  until(kind: string): Promise<Said>;
}

function startBuilder(t: ExecutionContext, cache: string, tree: object, recipe: Recipe): Builder {
  const script = fileURLToPath(new URL('./builder.js', import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify({ tree, recipe })], {
    env: { ...process.env, AOE_LAB_CACHE: cache },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  let steps = 0;
  return {
    child,
    steps: () => steps,
    until: async (kind) => {
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error(`the builder ended before it said ${kind}`);
        const said = JSON.parse(value) as Said;
        if (said.kind === 'build-step') steps += 1;
        if (said.kind === kind) return said;
      }
    },
  };
}

/** A gate that a build step waits at until it is opened. It stands in the store, which steps see. */
async function makeGate(t: ExecutionContext, cache: string) {
  const [ready, go] = [join(cache, 'ready'), join(cache, 'go')];
  execFileSync('mkfifo', [ready, go]);
  // Opened both ways a fifo never blocks, and keeps what is written until someone reads it.
  const [readyPipe, goPipe] = await Promise.all([open(ready, 'r+'), open(go, 'r+')]);
  t.teardown(() => Promise.all([readyPipe.close(), goPipe.close()]));
  return {
    script: `echo > ${ready}; read _ < ${go}`,
    /** Until a step stands at the gate. */
    reached: () => promisify(execFile)('head', ['-n', '1', ready], { timeout: 60_000 }),
    /** Lets the steps through that stand there or come later. */
    open: () => goPipe.write('\n\n\n'),
  };
}

testUnless(
  noCompiler(),
  'of two processes that build the same, one builds and the other waits for its hit',
  async (t) => {
    const cache = await temporaryFolder(t);
    const tree = writeProject(await temporaryFolder(t));
    const gate = await makeGate(t, cache);
    const recipe = projectRecipe(gate.script);
    const first = startBuilder(t, cache, tree, recipe);
    await gate.reached();
    const second = startBuilder(t, cache, tree, recipe);
    await second.until('build-waiting');
    await gate.open();
    const [one, other] = await Promise.all([first.until('result'), second.until('result')]);
    t.is(one.cached, false);
    t.is(other.cached, true);
    t.is(one.key, other.key);
    t.deepEqual([first.steps(), second.steps()], [2, 0]);
    t.deepEqual(readdirSync(join(cache, 'tmp')), []);
  },
);

testUnless(
  noCompiler(),
  'of a process killed while it builds, the next build removes what is left',
  async (t) => {
    const cache = await temporaryFolder(t);
    const tree = writeProject(await temporaryFolder(t));
    const gate = await makeGate(t, cache);
    const recipe = projectRecipe(gate.script);
    const killed = startBuilder(t, cache, tree, recipe);
    await gate.reached();
    killed.child.kill('SIGKILL');
    await once(killed.child, 'exit');
    t.false(existsSync(join(cache, 'builds')));
    t.is(readdirSync(join(cache, 'tmp')).length, 1);
    await gate.open();

    const other = await startBuilder(t, cache, tree, projectRecipe(': another build')).until('result');
    t.false(other.cached);
    t.deepEqual(readdirSync(join(cache, 'tmp')), []);
    const last = startBuilder(t, cache, tree, recipe);
    const again = await last.until('result');
    t.false(again.cached);
    t.is(last.steps(), 2);
    t.deepEqual(readdirSync(join(cache, 'builds')).sort(), [other.key, again.key].sort());
  },
);

testUnless(noCompiler(), 'the work of a process that is alive is not touched', async (t) => {
  const cache = await temporaryFolder(t);
  const tree = writeProject(await temporaryFolder(t));
  const gate = await makeGate(t, cache);
  const busy = startBuilder(t, cache, tree, projectRecipe(gate.script));
  await gate.reached();
  await startBuilder(t, cache, tree, projectRecipe(': another build')).until('result');
  t.is(readdirSync(join(cache, 'tmp')).length, 1);
  await gate.open();
  t.is((await busy.until('result')).cached, false);
});
