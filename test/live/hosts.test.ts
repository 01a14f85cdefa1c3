import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExportReport } from '../../src/serve/exports/export.js';
import type { StatusReport } from '../../src/serve/exports/status-report.js';
import { cli } from './support/cli.js';
import type { Found } from './support/export.js';
import { builtVblade, testUnless } from './support/machine.js';
import { noSshLab, sshLab } from './support/ssh-lab.js';

const vblade = await builtVblade();
const reason = noSshLab() ?? ('reason' in vblade ? vblade.reason : undefined);

testUnless(
  reason,
  'exports on several hosts over SSH: made, seen, restarted after a crash, ended without rest',
  async (t) => {
    const lab = await sshLab(t, ['one', 'two']);
    const run = async (...args: string[]) => {
      const { stdout, stderr, exitCode } = await cli([...args, '--json'], lab.env, { inside: lab.inside });
      return { result: JSON.parse(stdout), stderr, exitCode };
    };
    const place = ['--shelf', '0', '--iface', 'san0', '--size', '1M'];
    const made = await run(
      'export',
      '--impl',
      'vblade',
      '--host',
      'one',
      '--slot',
      '1',
      '--file',
      '/srv/a',
      ...place,
    );
    t.is(made.exitCode, 0, made.stderr);
    t.is((made.result as ExportReport).id, 'e0.1@san0');
    t.regex((made.result as ExportReport).unchecked ?? '', /hosts over SSH are not asked/);
    t.true(existsSync(join(lab.hosts[0]?.upper ?? '', 'srv/a')));
    // Node of this machine shows through in theirs; the code goes there.
    for (const [host, slot] of [
      ['one', '2'],
      ['two', '3'],
    ] as const) {
      const native = await run(
        'export',
        '--impl',
        'native',
        '--host',
        host,
        '--slot',
        slot,
        '--file',
        '/srv/b',
        ...place,
      );
      t.is(native.exitCode, 0, native.stderr);
    }
    const found = (await run('discover', '--iface', 'san0')).result as Found[];
    t.deepEqual(found.map(({ slot }) => slot).sort(), [1, 2, 3]);

    await lab.hosts[1]?.crash();
    await lab.hosts[1]?.boot();
    const status = await run('status', '--host', 'one,two,nobody.invalid');
    t.not(status.exitCode, 0);
    const [one, two, nobody] = status.result as [StatusReport, StatusReport, { host: string; error: object }];
    t.deepEqual(
      one.exports.map(({ state, wire }) => [state, wire]),
      [
        ['serving', 'unchecked'],
        ['serving', 'unchecked'],
      ],
    );
    t.regex(one.exports[0]?.unchecked ?? '', /hosts over SSH are not asked/);
    t.deepEqual(
      two.exports.map(({ state }) => state),
      ['down'],
    );
    t.is(nobody.host, 'nobody.invalid');
    t.truthy(nobody.error);
    t.is((await run('restart', '--host', 'two', '--all')).exitCode, 0);
    t.is(((await run('discover', '--iface', 'san0')).result as Found[]).length, 3);

    const { stdout, exitCode } = await cli(['logs', '--host', 'one', 'e0.2'], lab.env, {
      inside: lab.inside,
    });
    t.is(exitCode, 0);
    t.regex(stdout, /e0\.2 on san0/);
    // Each host says what it has: e0.2 is not on the other.
    const logs = await run('logs', '--host', 'one,two', 'e0.2');
    t.not(logs.exitCode, 0);
    t.like(logs.result, [{ host: 'one', id: 'e0.2@san0' }, { host: 'two' }]);
    t.truthy((logs.result as { error?: object }[])[1]?.error);
    t.regex((logs.result as { text: string }[])[0]?.text ?? '', /e0\.2 on san0/);
    t.is((await run('unexport', '--force', '--host', 'one,two', '--all')).exitCode, 0);
    for (const { upper } of lab.hosts) {
      t.deepEqual(await readdir(join(upper, 'srv')), []);
      // Logs outlive their exports.
      t.deepEqual(await readdir(join(upper, 'var/lib/aoe-lab')), ['logs']);
    }
  },
);
