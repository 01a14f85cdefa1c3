import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cli } from './cli.js';
import { builtVblade, testUnless } from './machine.js';
import { type LabHost, noSshLab, sshLab } from './ssh-lab.js';

const vblade = await builtVblade();
const reason = noSshLab() ?? ('reason' in vblade ? vblade.reason : undefined);

/** Puts a program before the machine's own; what lies below a mounted overlay is not to be changed. */
async function install(host: LabHost | undefined, name: string, script: string): Promise<void> {
  await host?.crash();
  const folder = join(host?.upper ?? '', 'usr/local/bin');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  await host?.boot();
}

testUnless(
  reason,
  'a host with an older C library builds what it exports; one without a compiler says so',
  async (t) => {
    t.timeout(300_000);
    const lab = await sshLab(t, ['old', 'bare']);
    const [old, bare] = lab.hosts;
    await install(old, 'getconf', 'echo glibc 2.17');
    await install(bare, 'gcc', 'exit 127');
    const build = await cli(['build', 'vblade', '--host', 'old', '--json'], lab.env, lab);
    t.is(build.exitCode, 0, build.stderr);
    const { artifacts, key } = JSON.parse(build.stdout);
    t.true(existsSync(artifacts[0]));
    t.not(artifacts[0], 'path' in vblade ? vblade.path : '');
    t.false(existsSync(join(old?.upper ?? '', 'var/tmp', `aoe-lab-build-${key.slice(0, 12)}`)));
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
  },
);
