import { execFileSync } from 'node:child_process';
import { chmod, lchown, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { LabError } from '../src/errors.js';
import { copyToFile } from '../src/initiator/copy.js';
import { Capture } from '../src/link/capture.js';
import { openOutput } from '../src/open-trusted.js';
import { packageRoot } from '../src/paths.js';
import { makeLab } from './initiator/lab.js';
import { temporaryFolder } from './temporary.js';

const asRoot = process.getuid?.() === 0 ? test : test.skip;

test('an output is made for its user alone, or emptied, also through a link of the user’s own', async (t) => {
  const path = join(await temporaryFolder(t), 'out');
  await symlink('out', `${path}.link`);
  for (const [name, isNew] of [
    [path, true],
    [path, false],
    [`${path}.link`, false],
  ] as const) {
    const opened = await openOutput(name);
    t.is(opened.isNew, isNew);
    t.is((await opened.file.stat()).size, 0);
    await opened.file.writeFile('written');
    await opened.file.close();
  }
  t.is((await stat(path)).mode & 0o777, 0o600);
});

test('what a shell puts in the place of >(command), and standard output, are written to', (t) => {
  const program = `import { openOutput } from '${join(packageRoot, 'dist/src/open-trusted.js')}';
const { file } = await openOutput(process.argv[1]);
await file.writeFile('written');`;
  for (const argument of ['>(cat)', '/dev/stdout', '/proc/self/fd/1']) {
    const script = `"$0" --input-type=module -e "$1" ${argument} | cat; wait`;
    t.is(execFileSync('bash', ['-c', script, process.execPath, program], { encoding: 'utf8' }), 'written');
  }
});

asRoot('hostile: no command writes where a link leads that somebody else may have put there', async (t) => {
  const folder = await temporaryFolder(t);
  const [open, precious] = [join(folder, 'open'), join(folder, 'precious')];
  await writeFile(precious, 'precious');
  await mkdir(open);
  await chmod(open, 0o1777);
  const link = join(open, 'out');
  await symlink('../precious', link);
  await lchown(link, 1000, 1000);
  const refused = { instanceOf: LabError, message: /out is a link, and everybody may write to/ };
  await t.throwsAsync(Capture.open(link), refused);
  const { target } = await makeLab();
  await t.throwsAsync(copyToFile(target, { from: 0, count: 1 }, link), refused);
  t.is(await readFile(precious, 'utf8'), 'precious');
});
