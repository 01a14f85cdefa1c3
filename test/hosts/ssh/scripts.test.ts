import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import * as scripts from '../../../src/hosts/ssh/scripts.js';
import { temporaryFolder } from '../../base/temporary.js';

const SHELLS = [['dash'], ['bash'], ['busybox', 'sh']].filter(
  ([program = '']) => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0,
);

for (const [shell = '', ...more] of SHELLS) {
  const run = (script: string, args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) =>
    spawnSync(shell, [...more, '-c', script, 'sh', ...args], { encoding: 'utf8', ...options });

  test(`${shell}: files, links and folders with all in them go, what links lead to stays`, async (t) => {
    const top = await temporaryFolder(t);
    const at = (...names: string[]): string => join(top, ...names);
    await mkdir(at("it's a", '.hidden', '..more'), { recursive: true });
    for (const name of ['*', '-rf', 'a\nb', '.x']) await writeFile(at("it's a", name), '');
    await mkdir(at('kept'));
    await writeFile(at('kept', 'file'), '');
    await symlink('../kept', at("it's a", 'link'));
    await symlink('kept', at('link'));
    await symlink('nowhere', at('dangling'));
    await writeFile(at('file'), '');
    await mkdir(at('empty'));
    await mkdir(at('full'));
    for (let n = 0; n < 300; n++) await writeFile(at('full', `${n}${'x'.repeat(200)}`), '');
    const names = ["it's a", 'link', 'dangling', 'file', 'empty/', 'full', 'none', 'none/none'];
    t.like(
      run(
        scripts.REMOVE,
        names.map((name) => join(top, name)),
      ),
      { status: 0, stderr: '' },
    );
    t.deepEqual(await readdir(top), ['kept']);
    t.like(run(scripts.REMOVE, ['kept'], { cwd: top }), { status: 0, stderr: '' });
    t.deepEqual(await readdir(top), []);
  });

  test(`${shell}: hostile: what is exchanged for a link while it is removed fails, and nothing elsewhere goes`, async (t) => {
    const top = await temporaryFolder(t);
    for (const name of ['bin', 'run', 'theirs']) await mkdir(join(top, name));
    await writeFile(join(top, 'run', 'file'), '');
    await writeFile(join(top, 'theirs', 'file'), '');
    const exchange = `#!/bin/sh\nmv ${top}/run ${top}/moved && ln -s theirs ${top}/run\nPATH=/usr/bin:/bin exec rm "$@"\n`;
    await writeFile(join(top, 'bin', 'rm'), exchange);
    await chmod(join(top, 'bin', 'rm'), 0o755);
    const env = { ...process.env, PATH: `${join(top, 'bin')}:${process.env.PATH}` };
    const { status, stderr } = run(scripts.REMOVE, [join(top, 'run')], { env });
    t.is(status, 1);
    t.not(stderr, '');
    t.deepEqual(await readdir(join(top, 'theirs')), ['file']);
    t.deepEqual(await readdir(join(top, 'moved')), []);
  });
}
