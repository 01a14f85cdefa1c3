/** The main job against the real vblade: built from its source package, exported, found and used over a wire. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, copyFile, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { here } from '../../src/hosts/host/local.js';
import type { StatusReport } from '../../src/serve/exports/status-report.js';
import { listLoops } from '../../src/serve/storage/loop.js';
import { cli, jsonHere } from './support/cli.js';
import {
  askFrom,
  assertNothingLeft,
  discoverOn,
  exportOn,
  type Found,
  folderOfAll,
  killAll,
} from './support/export.js';
import { builtVblade, testUnless } from './support/machine.js';
import { detachFrom } from './support/own-dev.js';
import { assertLeast } from './support/rights.js';
import { type TestWire, testWire } from './support/wire.js';

const built = await builtVblade();
const reason = 'reason' in built ? built.reason : undefined;

const exportArgs = (wire: TestWire, slot: number, ...more: string[]) =>
  exportOn(wire, 'vblade', slot, ...more);

testUnless(
  reason,
  'an export by vblade is found over the wire, is whole in status, and leaves nothing',
  async (t) => {
    const wire = await testWire(t);
    const made = await jsonHere<{ id: string; pids: number[] }>(
      exportArgs(wire, 1, '--size', '16M'),
      wire.env,
    );
    t.is(made.id, `e0.1@tgt%${wire.netns}`);
    t.is(made.pids.length, 1);
    await assertLeast(t, here, made.pids[0] as number, ['net_raw'], [join(wire.folder, 'disk1')]);
    const found = await jsonHere<Found[]>(discoverOn(wire), wire.env);
    t.is(found.length, 1);
    const [one] = found;
    t.like(one, { shelf: 0, slot: 1, sectors: 32768, maxSectors: 2, bufferCount: 16, configString: '' });
    t.regex(one?.serial ?? '', /^0\.1:/);
    const { exports } = await jsonHere<StatusReport>(['status'], wire.env);
    t.is(exports.length, 1);
    t.like(exports[0], { id: made.id, state: 'serving', wire: 'answers', faults: [], pids: made.pids });
    t.deepEqual(exports[0]?.rights, { capabilities: ['net_raw'], noNewPrivileges: true, seccomp: false });
    const { stdout } = await cli(['status', '--long'], wire.env);
    t.regex(stdout, /^e0\.1@tgt\S*: its process may net_raw; gains none$/m);
    await jsonHere(['unexport', '--force', 'e0.1'], wire.env);
    t.deepEqual(await jsonHere<Found[]>([...discoverOn(wire), '--wait', '300'], wire.env), []);
    await t.throwsAsync(stat(join(wire.folder, 'disk1')), { code: 'ENOENT' });
    await assertNothingLeft(t, wire);
  },
);

testUnless(
  reason,
  'what is written over the wire is in the file and reads back; the file is kept then',
  async (t) => {
    const wire = await testWire(t, 9000);
    // In a folder of others: it is given the file rather than its name.
    const file = join(await folderOfAll(wire), 'disk2');
    await jsonHere(exportArgs(wire, 2, '--size', '8M', '--file', file), wire.env);
    const [exported] = (await jsonHere<StatusReport>(['status'], wire.env)).exports;
    t.like(exported, { state: 'serving', faults: [] });
    const data = randomBytes(3 << 20);
    const source = join(wire.folder, 'data');
    await writeFile(source, data);
    const place = askFrom(wire);
    const written = await cli(['write', 'e0.2', ...place, '--offset', '1M', '--input', source], wire.env);
    t.is(written.exitCode, 0, written.stderr);
    const copy = join(wire.folder, 'copy');
    const read = await cli(
      ['read', 'e0.2', ...place, '--offset', '1M', '--length', '3M', '--output', copy],
      wire.env,
    );
    t.is(read.exitCode, 0, read.stderr);
    t.true(data.equals(await readFile(copy)));
    const disk = await readFile(file);
    t.true(data.equals(disk.subarray(1 << 20, 4 << 20)));
    t.is(disk.length, 8 << 20);
    const { unexported } = await jsonHere<{ unexported: { file: string }[] }>(
      ['unexport', '--force', 'e0.2'],
      wire.env,
    );
    t.is(unexported[0]?.file, 'kept');
    t.is((await stat(file)).size, 8 << 20);
  },
);

testUnless(
  reason,
  "another user's file is served, by the one right more that this takes; a file of root's not by it",
  async (t) => {
    const wire = await testWire(t);
    const file = join(wire.folder, 'disk15');
    await writeFile(file, Buffer.alloc(1 << 20), { mode: 0o600 });
    await chown(file, 12345, 12345);
    const { pids } = await jsonHere<{ pids: number[] }>(exportArgs(wire, 15), wire.env);
    await assertLeast(t, here, pids[0] as number, ['net_raw', 'dac_override'], [file]);
    t.is((await jsonHere<Found[]>(discoverOn(wire), wire.env)).length, 1);
    await chown(file, 0, 0);
    await jsonHere(['restart', 'e0.15'], wire.env);
    const { exports } = await jsonHere<StatusReport>(['status'], wire.env);
    await assertLeast(t, here, exports[0]?.pids[0] as number, ['net_raw'], [file]);
  },
);

testUnless(reason, 'a read-only export refuses writes and keeps the data', async (t) => {
  const wire = await testWire(t);
  const file = join(wire.folder, 'disk3');
  await writeFile(file, Buffer.alloc(1 << 20, 7));
  await jsonHere(exportArgs(wire, 3, '--read-only'), wire.env);
  const source = join(wire.folder, 'data');
  await writeFile(source, Buffer.alloc(4096, 9));
  const place = askFrom(wire);
  const written = await cli(['write', 'e0.3', ...place, '--input', source], wire.env);
  t.is(written.exitCode, 1);
  t.regex(written.stderr, /e0\.3/);
  t.true((await readFile(file)).equals(Buffer.alloc(1 << 20, 7)));
});

testUnless(reason, 'an access list admits the listed initiator and nobody else', async (t) => {
  const wire = await testWire(t);
  await jsonHere(exportArgs(wire, 4, '--size', '1M', '--mac', '02:00:00:00:00:01'), wire.env);
  await jsonHere(exportArgs(wire, 5, '--size', '1M', '--mac', wire.mac), wire.env);
  const found = await jsonHere<Found[]>([...discoverOn(wire), '--wait', '500'], wire.env);
  t.deepEqual(
    found.map(({ slot }) => slot),
    [5],
  );
});

testUnless(reason, 'buffer count, offset and length reach the target', async (t) => {
  const wire = await testWire(t);
  const options = ['--buffer-count', '7', '--offset', '100', '--length', '1000', '--direct-io', '--sync'];
  await jsonHere(exportArgs(wire, 6, '--size', '1M', ...options), wire.env);
  const [found] = await jsonHere<Found[]>(discoverOn(wire), wire.env);
  t.like(found, { bufferCount: 7, sectors: 1000 });
});

testUnless(reason, 'an option that vblade lacks is refused by its flag, and nothing is made', async (t) => {
  const wire = await testWire(t);
  const refused = await cli(exportArgs(wire, 7, '--size', '1M', '--queue-length', '8'), wire.env);
  t.is(refused.exitCode, 2);
  t.regex(refused.stderr, /vblade 25 has no --queue-length/);
  await t.throwsAsync(stat(join(wire.folder, 'disk7')), { code: 'ENOENT' });
});

testUnless(reason, 'a loop device is attached for the export, and detached with it', async (t) => {
  const wire = await testWire(t);
  const made = await jsonHere<{ device: string }>(
    exportArgs(wire, 8, '--size', '4M', '--loop', '--direct-io'),
    wire.env,
  );
  const file = join(wire.folder, 'disk8');
  t.like((await listLoops(here, file))[0], { device: made.device, directIo: true });
  t.is((await jsonHere<Found[]>(discoverOn(wire), wire.env))[0]?.sectors, 8192);
  await jsonHere(['unexport', '--force', 'e0.8'], wire.env);
  t.deepEqual(await listLoops(here, file), []);
});

testUnless(reason, 'a loop device that somebody else attached to the file stays', async (t) => {
  const wire = await testWire(t);
  const file = join(wire.folder, 'disk9');
  await here.run(['truncate', '--size', '1M', file]);
  const { stdout } = await here.run(['losetup', '--find', '--show', file]);
  const other = stdout.trim();
  t.teardown(() => detachFrom(file));
  const refused = await cli(exportArgs(wire, 9, '--loop'), wire.env);
  t.is(refused.exitCode, 2);
  t.regex(refused.stderr, new RegExp(`attached as ${other}`));
  await jsonHere(exportArgs(wire, 9, '--loop', '--force'), wire.env);
  t.is((await listLoops(here, file)).length, 2);
  await jsonHere(['unexport', '--force', 'e0.9'], wire.env);
  t.deepEqual(
    (await listLoops(here, file)).map(({ device }) => device),
    [other],
  );
});

testUnless(reason, 'of two commands at once on one address one wins and the other says why', async (t) => {
  const wire = await testWire(t);
  const both = await Promise.all([
    cli(exportArgs(wire, 10, '--size', '1M'), wire.env),
    cli(exportArgs(wire, 10, '--size', '1M'), wire.env),
  ]);
  t.deepEqual(both.map(({ exitCode }) => exitCode).sort(), [0, 2]);
  const loser = both.find(({ exitCode }) => exitCode === 2);
  t.regex(loser?.stderr ?? '', /vblade 25 has exported .*disk10 there since/);
  const { exports } = await jsonHere<StatusReport>(['status'], wire.env);
  t.is(exports.length, 1);
  t.is(exports[0]?.pids.length, 1);
});

testUnless(reason, 'a target that can not start leaves nothing, and its own words are shown', async (t) => {
  const wire = await testWire(t);
  // A program that runs can't be opened for writing, which vblade alone finds out.
  const program = join(wire.folder, 'disk11');
  await copyFile('/bin/sleep', program);
  await chmod(program, 0o755);
  await truncate(program, 1 << 20);
  const sleeper = spawn(program, ['600']);
  try {
    const refused = await cli(exportArgs(wire, 11), wire.env);
    t.is(refused.exitCode, 1);
    t.regex(refused.stderr, /it said: .*Text file busy/);
  } finally {
    sleeper.kill();
  }
  await assertNothingLeft(t, wire);
  t.is((await stat(program)).size, 1 << 20);
});

testUnless(
  reason,
  'a target that died is shown as down; restart brings it back; logs show what it printed',
  async (t) => {
    const wire = await testWire(t);
    const { pids } = await jsonHere<{ pids: number[] }>(exportArgs(wire, 12, '--size', '1M'), wire.env);
    await killAll(pids.slice(0, 1));
    const down = await jsonHere<StatusReport>(['status'], wire.env);
    t.is(down.exports[0]?.state, 'down');
    t.regex(down.exports[0]?.faults.join() ?? '', /no process: aoe-lab restart e0\.12/);
    await jsonHere(['restart', 'e0.12'], wire.env);
    const up = await jsonHere<StatusReport>(['status'], wire.env);
    t.like(up.exports[0], { state: 'serving', wire: 'answers' });
    const { text } = await jsonHere<{ text: string }>(['logs', 'e0.12'], wire.env);
    t.is(text.match(/e0\.12, 2048 sectors/g)?.length, 2);
  },
);

testUnless(
  reason,
  'with --restart on-failure a target that was killed, or whose interface went down, comes back by itself',
  async (t) => {
    const wire = await testWire(t);
    const args = exportArgs(wire, 14, '--size', '1M', '--restart', 'on-failure');
    const { pids } = await jsonHere<{ pids: number[] }>(args, wire.env);
    // The supervisor and what it supervises.
    t.is(pids.length, 2);
    for (const pid of pids) await assertLeast(t, here, pid, ['net_raw'], [join(wire.folder, 'disk14')]);
    const serving = async (): Promise<StatusReport['exports'][number]> => {
      for (;;) {
        const { exports } = await jsonHere<StatusReport>(['status'], wire.env);
        const [one] = exports;
        if (one?.state === 'serving' && one.wire === 'answers') return one;
      }
    };
    const link = here.inNamespace(wire.netns);
    await link.run(['ip', 'link', 'set', 'tgt', 'down']);
    await link.run(['ip', 'link', 'set', 'tgt', 'up']);
    const back = await serving();
    t.is(back.restart, 'on-failure');
    const vblade = back.pids.filter((pid) => !pids.includes(pid));
    t.is(vblade.length, 1, 'it ended with its interface, its supervisor did not');
    process.kill(vblade[0] as number, 'SIGKILL');
    t.false((await serving()).pids.includes(vblade[0] as number));
    const { text } = await jsonHere<{ text: string }>(['logs', 'e0.14'], wire.env);
    t.regex(text, /Network is down/);
    t.regex(text, /ended with 137, and is started again/);
    await jsonHere(['unexport', '--force', 'e0.14', '--remove-file'], wire.env);
    await assertNothingLeft(t, wire);
  },
);

testUnless(reason, 'wrong names and addresses are refused with what there is', async (t) => {
  const wire = await testWire(t);
  const noInterface = exportArgs(wire, 13, '--size', '1M').map((word) => (word === 'tgt' ? 'tgx' : word));
  const result = await cli(noInterface, wire.env);
  t.is(result.exitCode, 2);
  t.regex(result.stderr, /no such interface[\s\S]*lo, .*tgt/);
  const badSlot = exportArgs(wire, 255, '--size', '1M');
  t.regex((await cli(badSlot, wire.env)).stderr, /slot 255 is not in 0…254/);
  await here.inNamespace(wire.netns).run(['ip', 'link', 'set', 'tgt', 'down']);
  const down = await cli(exportArgs(wire, 13, '--size', '1M'), wire.env);
  t.is(down.exitCode, 3);
  t.regex(down.stderr, /it is down\s+→ ip -n aoetest-\w+ link set tgt up/);
  const nothing = await cli(['unexport', '--force', 'e0.13'], wire.env);
  t.is(nothing.exitCode, 2);
  t.regex(nothing.stderr, /not exported here/);
});
