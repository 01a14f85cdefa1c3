import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import * as scripts from '../../../src/hosts/ssh/scripts.js';
import { temporaryFolder } from '../../base/temporary.js';
import { SHELLS } from '../shells.js';

for (const [shell = '', ...more] of SHELLS) {
  const run = (script: string, args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) =>
    spawnSync(shell, [...more, '-c', script, 'sh', ...args], {
      encoding: 'utf8',
      ...options,
      // The outermost bash whose input is a socket takes itself for sshd's, and reads the user's start-up file.
      env: { ...(options.env ?? process.env), SHLVL: '2' },
    });

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

  /** A program of a name that first does what is said, then its work. */
  const shadowed = async (top: string, program: string, first: string): Promise<NodeJS.ProcessEnv> => {
    await mkdir(join(top, 'bin'), { recursive: true });
    const path = join(top, 'bin', program);
    await writeFile(path, `#!/bin/sh\n${first}\nPATH=/usr/bin:/bin exec ${program} "$@"\n`);
    await chmod(path, 0o755);
    return { ...process.env, LC_ALL: 'C', PATH: `${join(top, 'bin')}:${process.env.PATH}` };
  };

  test(`${shell}: a file that comes or goes just when it is asked for is there or not, and no fault`, async (t) => {
    const top = await temporaryFolder(t);
    const file = join(top, 'file');
    for (const [program, script] of [
      ['cat', scripts.READ],
      ['stat', scripts.STAT],
    ] as const) {
      t.like(run(script, [file]), { status: scripts.NOTHING_THERE });
      const comes = run(script, [file], { env: await shadowed(top, program, `echo new > '${file}'`) });
      t.like(comes, { status: 0, stderr: '' }, program);
      t.not(comes.stdout, '');
      const goes = run(script, [file], { env: await shadowed(top, program, `rm -f '${file}'`) });
      t.like(goes, { status: scripts.NOTHING_THERE, stdout: '' }, program);
    }
    const folder = join(top, 'folder');
    t.like(run(scripts.LIST, [folder]), { status: scripts.NOTHING_THERE });
    const env = await shadowed(top, 'ls', `mkdir -p '${folder}'; : > '${folder}/one'`);
    t.like(run(scripts.LIST, [folder], { env }), { status: 0, stdout: 'one\0' });
  });

  test(`${shell}: of all files of a folder one may go or be exchanged meanwhile: the others are read, each whole`, async (t) => {
    const top = await temporaryFolder(t);
    const folder = join(top, 'folder');
    await mkdir(folder);
    const files = async (): Promise<void> => {
      for (const name of ['a', 'b', 'c']) await writeFile(join(folder, `${name}.json`), `old ${name}`);
    };
    const read = async (first: string, program = 'stat') => {
      await files();
      const { status, stdout, stderr } = run(scripts.READ_ALL, [folder, '.json', '100'], {
        env: await shadowed(top, program, `cd '${folder}'; ${first}; cd - > /dev/null`),
      });
      return { status, stderr, files: stdout.split('\0').filter((text) => text !== '') };
    };
    const whole = (...names: string[]): string[] =>
      names.flatMap((name, index) => {
        const size = '5';
        return index === 0 ? [`${name}.json`, size] : [`old ${names[index - 1]}${name}.json`, size];
      });
    const told = (...names: string[]) => [...whole(...names), `old ${names.at(-1)}`];
    const fine = { status: 0, stderr: '' };
    t.deepEqual(await read(':'), { ...fine, files: told('a', 'b', 'c') });
    t.deepEqual(await read('rm -f a.json b.json'), { ...fine, files: told('a', 'c') });
    t.deepEqual(await read('echo "another one" > .new; mv .new a.json'), {
      ...fine,
      files: told('a', 'b', 'c'),
    });
    t.deepEqual(await read('rm -f c.json', 'head'), { ...fine, files: told('a', 'b') });
    t.like(await read('exit 1', 'head'), { status: 1 });
  });

  const isRoot = process.getuid?.() === 0;
  (isRoot ? test : test.skip)(
    `${shell}: a file that may not be read is refused, not left out${isRoot ? '' : ' (skipped: needs root)'}`,
    async (t) => {
      const top = await temporaryFolder(t);
      await chmod(top, 0o755);
      await writeFile(join(top, 'one.json'), '{}', { mode: 0o600 });
      for (const [script, args] of [
        [scripts.READ_ALL, [top, '.json', '100']],
        [scripts.READ, [join(top, 'one.json')]],
      ] as const) {
        const argv = ['--reuid=65534', '--clear-groups', shell, ...more, '-c', script, 'sh', ...args];
        const { status, stderr } = spawnSync('setpriv', argv, {
          encoding: 'utf8',
          env: { ...process.env, LC_ALL: 'C' },
        });
        t.is(status, scripts.FORBIDDEN);
        t.regex(stderr, /Permission denied/);
      }
    },
  );
}
