/** A state folder without room, one that can't be written to, and exports whose namespace is gone. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { here } from '../../src/hosts/host/local.js';
import type { StatusReport } from '../../src/serve/exports/status-report.js';
import { cli, jsonHere } from './support/cli.js';
import { exportOn } from './support/export.js';
import { noRoot, testUnless } from './support/machine.js';
import { type TestWire, testWire } from './support/wire.js';

/** A wire whose state folder is a small file system of its own. */
async function smallState(t: ExecutionContext): Promise<{ wire: TestWire; state: string }> {
  const wire = await testWire(t);
  const state = wire.env.AOE_LAB_STATE as string;
  await mkdir(state, { mode: 0o700 });
  await here.run(['mount', '-t', 'tmpfs', '-o', 'size=16m,mode=700', 'none', state]);
  t.teardown(async () => {
    await here.run(['rm', '-f', join(state, 'fill')]);
    await cli(['unexport', '--force', '--all'], wire.env);
    await here.run(['umount', '--lazy', state]);
  });
  return { wire, state };
}

const fill = (state: string) =>
  here.run(['dd', 'if=/dev/zero', `of=${join(state, 'fill')}`, 'bs=1k'], { accept: [1] });

testUnless(
  noRoot(),
  'a full state folder is named with what to do; no half entry stays, and exports can be ended',
  async (t) => {
    const { wire, state } = await smallState(t);
    await jsonHere(exportOn(wire, 'native', 1, '--size', '1M'), wire.env);
    await fill(state);
    const { exitCode, stderr } = await cli(exportOn(wire, 'native', 2, '--size', '1M'), wire.env);
    t.is(exitCode, 1);
    t.true(stderr.includes(`the file system of ${state} is full`), stderr);
    t.regex(stderr, /→ make room there/);
    t.deepEqual(await readdir(join(state, 'exports')), [`e0.1@tgt%${wire.netns}.json`]);
    t.like(await jsonHere<StatusReport>(['status'], wire.env), { exports: [{ slot: 1, state: 'serving' }] });
    const ended = await cli(['unexport', 'e0.1'], wire.env);
    t.is(ended.exitCode, 0, ended.stderr);
    t.deepEqual((await readdir(state)).sort(), ['fill', 'logs']);
  },
);

testUnless(
  noRoot(),
  'a state folder on a read-only file system is named; what runs there is not touched',
  async (t) => {
    const { wire, state } = await smallState(t);
    await jsonHere(exportOn(wire, 'native', 1, '--size', '1M'), wire.env);
    // Over itself: the log is open for writing.
    await here.run(['mount', '--bind', state, state]);
    t.teardown(() => here.run(['umount', state]));
    await here.run(['mount', '-o', 'remount,bind,ro', state]);
    for (const args of [
      exportOn(wire, 'native', 2, '--size', '1M'),
      ['unexport', 'e0.1'],
      ['restart', 'e0.1'],
    ]) {
      const { exitCode, stderr } = await cli(args, wire.env);
      t.is(exitCode, 1);
      t.true(stderr.includes(`${state} lies on a file system that is read-only`), stderr);
      t.notRegex(stderr, /sh -c/);
    }
    t.like(await jsonHere<StatusReport>(['status'], wire.env), { exports: [{ slot: 1, state: 'serving' }] });
  },
);

testUnless(
  noRoot(),
  'an export whose namespace is gone says so, with what to do, and can be ended',
  async (t) => {
    const wire = await testWire(t);
    await jsonHere(exportOn(wire, 'native', 1, '--size', '1M'), wire.env);
    await here.run(['ip', 'netns', 'del', wire.netns]);
    const { exports } = await jsonHere<StatusReport>(['status'], wire.env);
    t.regex(
      exports[0]?.faults.join() ?? '',
      /network namespace \S+ is gone: make it .* aoe-lab unexport e0\.1/,
    );
    t.is(exports[0]?.unchecked, 'its network namespace is gone');
    for (const args of [['restart', 'e0.1'], exportOn(wire, 'native', 2, '--size', '1M')]) {
      const { exitCode, stderr } = await cli(args, wire.env);
      t.is(exitCode, 3);
      t.regex(stderr, /there is no network namespace \S+\n {2}→ make the namespace/);
    }
    const shown = [await cli(['status'], wire.env), await cli(['unexport', 'e0.1'], wire.env)];
    for (const { exitCode, stdout, stderr } of shown) {
      t.is(exitCode, 0, stderr);
      t.notRegex(stdout + stderr, /sh -c/);
    }
    // The wire goes with the test.
    await here.run(['ip', 'netns', 'add', wire.netns]);
  },
);
