/** Labs in trouble: a stranger on the wire, exports of others, a host that is gone, a signal. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { LabPlan } from '../../src/manage/lab/actions.js';
import { MAIN } from './support/cli.js';
import { labCli, labEnvironment, labJson, onHost, writeLabFile } from './support/lab-hosts.js';
import { builtVblade, testUnless } from './support/machine.js';
import { noSshLab, sshLab } from './support/ssh-lab.js';

const built = await builtVblade();
const reason = noSshLab() ?? ('reason' in built ? built.reason : undefined);
const vblade = 'path' in built ? built.path : '';

interface Applied {
  outcomes: { host: string; id: string; kind: string; result: string; why?: string }[];
  troubles: { host: string; id: string | null; happened: string }[];
}

function labOf(exports: readonly object[], ...names: string[]): object {
  const hosts = Object.fromEntries(names.map((name) => [name, {}]));
  return {
    lab: 'test',
    segments: { san: { interface: 'san0' } },
    defaults: { implementation: 'vblade', segment: 'san', size: '1M' },
    // This machine's end of the segment is a place to ask from.
    hosts: { ...hosts, desk: { ssh: 'here' } },
    exports,
  };
}

testUnless(reason, 'a stranger that answers for an address is told, and all else is made', async (t) => {
  t.timeout(600_000);
  const lab = await sshLab(t, ['one', 'two', 'three']);
  // No host of the lab, and no export of aoe-lab's.
  onHost(
    t,
    lab,
    'three',
    'cat > /srv/vblade; chmod +x /srv/vblade; truncate -s 1M /srv/disk',
    await readFile(vblade),
  );
  onHost(t, lab, 'three', 'setsid /srv/vblade 3 0 san0 /srv/disk > /dev/null 2>&1 < /dev/null &');
  const exports = ['e3.0', 'e3.1', 'e3.2'].map((address, index) => ({
    address,
    host: index === 2 ? 'two' : 'one',
    file: `/srv/${address}`,
  }));
  const file = await writeLabFile(lab, labOf(exports, 'one', 'two'));
  const plan = await labJson<LabPlan>(lab, ['plan', '-f', file]);
  t.is(plan.exitCode, 1);
  t.deepEqual(plan.result.segments, [{ segment: 'san', askedFrom: 'san0 of desk' }]);
  t.deepEqual(
    plan.result.actions.map(({ id }) => id),
    ['e3.1@san0', 'e3.2@san0'],
  );
  t.regex(plan.result.troubles[0]?.happened ?? '', /^somebody else answers for e3\.0 on segment san: /);
  const applied = await labJson<Applied>(lab, ['apply', '-f', file, '--yes']);
  t.is(applied.exitCode, 1);
  t.deepEqual(
    applied.result.outcomes.map(({ id, result }) => `${id} ${result}`),
    ['e3.1@san0 done', 'e3.2@san0 done'],
  );
  onHost(t, lab, 'three', 'pkill vblade');
  t.is((await labCli(lab, ['apply', '-f', file, '--yes'])).exitCode, 0);

  // A lab of another name finds its addresses taken, and touches none.
  const other = await writeLabFile(lab, { ...labOf(exports, 'one', 'two'), lab: 'other' });
  const refused = await labJson<Applied>(lab, ['apply', '-f', other, '--yes']);
  t.deepEqual([refused.exitCode, refused.result.outcomes, refused.result.troubles.length], [1, [], 3]);
  t.true(refused.result.troubles.every(({ happened }) => happened.endsWith('made for lab test')));
  t.is((await labJson<Applied>(lab, ['destroy', '-f', other, '--yes'])).result.outcomes.length, 0);
  t.is(
    (await labCli(lab, ['plan', '-f', await writeLabFile(lab, labOf(exports, 'one', 'two'))])).exitCode,
    0,
  );
});

testUnless(reason, 'a host that is gone holds up no other, and a signal stops before the next', async (t) => {
  t.timeout(600_000);
  const lab = await sshLab(t, ['one', 'two', 'three']);
  const exports = Array.from({ length: 6 }, (_, index) => ({
    address: `e4.${index}`,
    host: ['one', 'two', 'three'][index >> 1],
    file: `/srv/${index}`,
  }));
  const file = await writeLabFile(lab, labOf(exports, 'one', 'two', 'three'));
  const apply = ['apply', '-f', file, '--yes'];

  const [program = '', ...words] = lab.inside([
    process.execPath,
    MAIN,
    ...apply,
    '--json',
    '--parallel',
    '1',
  ]);
  const child = spawn(program, words, { env: { ...process.env, ...labEnvironment(lab) } });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
    if (!child.killed && err.includes('✔')) child.kill('SIGINT');
  });
  const exitCode = await new Promise((resolve) => child.once('close', resolve));
  t.is(exitCode, 1, err);
  const results = (JSON.parse(out) as Applied).outcomes.map(
    ({ host, result, why }) => `${host} ${why ?? result}`,
  );
  t.deepEqual(new Set(results), new Set(['one done', 'two done', 'three it was called off']));

  await lab.hosts[2]?.crash();
  const half = await labJson<Applied>(lab, apply);
  t.is(half.exitCode, 1);
  t.deepEqual(half.result.outcomes, []);
  t.deepEqual(
    half.result.troubles.map(({ host, id }) => [host, id]),
    [['three', null]],
  );
  await lab.hosts[2]?.boot();
  t.is((await labCli(lab, apply)).exitCode, 0);
  t.is((await labCli(lab, ['plan', '-f', file])).exitCode, 0);
  // What a crash took is brought back.
  await lab.hosts[0]?.crash();
  await lab.hosts[0]?.boot();
  const drifted = await labJson<LabPlan>(lab, ['plan', '-f', file]);
  t.deepEqual(
    drifted.result.actions.map(({ kind, host }) => `${kind} ${host}`),
    Array(2).fill('restart one'),
  );
  t.is((await labCli(lab, apply)).exitCode, 0);
  t.is((await labCli(lab, ['plan', '-f', file])).exitCode, 0);
});
