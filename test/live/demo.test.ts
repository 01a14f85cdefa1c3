import { readdir } from 'node:fs/promises';
import type { DemoReport } from '../../src/prove/demo/demo.js';
import { temporaryFolder } from '../base/temporary.js';
import { cli, cliJson } from './support/cli.js';
import { leftovers } from './support/leftovers.js';
import { builtVblade, testUnless } from './support/machine.js';

const built = await builtVblade();
/** Logs outlive their exports. */
async function leftIn(state: string): Promise<string[]> {
  return (await readdir(state)).filter((name) => name !== 'logs');
}

const reason = 'reason' in built ? built.reason : undefined;

testUnless(reason, 'the demo writes and reads 64 MiB by vblade, verifies them, and cleans up', async (t) => {
  const env = { AOE_LAB_STATE: await temporaryFolder(t) };
  const report = await cliJson<DemoReport>(['demo'], env);
  t.like(report, {
    implementation: 'vblade',
    release: '25',
    bytesWritten: 64 << 20,
    bytesRead: 64 << 20,
    verified: true,
  });
  t.is(report.source.digest.length, 64);
  t.is(report.source.pinned, 'archive');
  t.is(report.sha256.written, report.sha256.file);
  t.deepEqual(await leftovers(), []);
  t.deepEqual(await leftIn(env.AOE_LAB_STATE), []);
});

testUnless(reason, 'a demo that is killed is cleaned up by the next one', async (t) => {
  const env = { AOE_LAB_STATE: await temporaryFolder(t) };
  const killed = await cli(['demo', '--size', '512M'], env, { killAfter: 1500 });
  t.is(killed.signal, 'SIGKILL');
  await cliJson(['demo', '--size', '1M'], env);
  t.deepEqual(await leftovers(), []);
  t.deepEqual(await leftIn(env.AOE_LAB_STATE), []);
  const { orphans, exports } = await cliJson<{ orphans: []; exports: [] }>(['status'], env);
  t.deepEqual([orphans, exports], [[], []]);
});
