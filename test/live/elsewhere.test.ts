import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabPlan } from '../../src/manage/lab/actions.js';
import { cli } from './support/cli.js';
import { labJson, writeLabFile } from './support/lab-hosts.js';
import { builtVblade, testUnless } from './support/machine.js';
import { type LabHost, noSshLab, sshLab } from './support/ssh-lab.js';

const vblade = await builtVblade();
const reason = noSshLab() ?? ('reason' in vblade ? vblade.reason : undefined);

/** Puts programs before the machine's own; what lies below a mounted overlay is not to be changed. */
async function install(host: LabHost | undefined, scripts: Readonly<Record<string, string>>): Promise<void> {
  await host?.crash();
  const folder = join(host?.upper ?? '', 'usr/local/bin');
  await mkdir(folder, { recursive: true });
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  await host?.boot();
}

testUnless(
  reason,
  'a host with an older C library builds what it exports; one without a compiler says so',
  async (t) => {
    t.timeout(600_000);
    const lab = await sshLab(t, ['old', 'bare']);
    const [old, bare] = lab.hosts;
    await install(old, { getconf: 'echo glibc 2.17' });
    await install(bare, { getconf: 'echo glibc 2.17', gcc: 'exit 127' });
    const build = await cli(['build', 'vblade', '--host', 'old', '--json'], lab.env, lab);
    t.is(build.exitCode, 0, build.stderr);
    const { artifacts, key } = JSON.parse(build.stdout);
    t.true(existsSync(artifacts[0]));
    t.not(artifacts[0], 'path' in vblade ? vblade.path : '');
    // Of a build that was in the store nothing was ever there.
    const left = await readdir(join(old?.upper ?? '', 'var/tmp')).catch(() => []);
    t.deepEqual(
      left.filter((name) => name.includes(key.slice(0, 12))),
      [],
    );
    const place = [
      '--iface',
      'san0',
      '--shelf',
      '0',
      '--slot',
      '1',
      '--file',
      '/srv/disk',
      '--size',
      '1M',
      '--json',
    ];
    const made = await cli(['export', '--impl', 'vblade', '--host', 'old', ...place], lab.env, lab);
    t.is(made.exitCode, 0, made.stderr);
    t.true(existsSync(join(old?.upper ?? '', 'var/lib/aoe-lab/artifacts', key)));
    const refused = await cli(['build', 'vblade', '--host', 'bare', '--json'], lab.env, lab);
    t.is(refused.exitCode, 3);
    t.regex(refused.stdout, /missing on bare/);

    // A lab's plan tells it before anything is begun, and what it tells no trouble of is made.
    const file = await writeLabFile(lab, {
      lab: 'test',
      segments: { san: { interface: 'san0' } },
      defaults: { implementation: 'vblade', segment: 'san', size: '1M' },
      hosts: { old: {}, bare: {} },
      exports: [
        { address: 'e0.2', host: 'old', file: '/srv/2' },
        { address: 'e0.3', host: 'bare', file: '/srv/3' },
      ],
    });
    const plan = await labJson<LabPlan>(lab, ['plan', '-f', file]);
    t.is(plan.exitCode, 1);
    t.deepEqual(
      plan.result.troubles.map(({ id, happened }) => `${id} ${happened.replace(/: header.*/, '')}`),
      ['e0.3@san0 building vblade 25: missing on bare'],
    );
    const applied = await labJson<{ outcomes: { id: string; result: string }[] }>(lab, [
      ...['apply', '-f', file, '--yes'],
    ]);
    t.deepEqual(
      applied.result.outcomes.map(({ id, result }) => `${id} ${result}`),
      ['e0.2@san0 done'],
    );
  },
);
