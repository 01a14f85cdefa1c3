import { execFileSync, spawn } from 'node:child_process';
import {
  chmod,
  chown,
  lchown,
  link,
  mkdir,
  readdir,
  readFile,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import { LabError } from '../../../src/base/errors.js';
import { openOutput } from '../../../src/base/files/open-output.js';
import { packageRoot } from '../../../src/base/files/paths.js';
import { withReportFiles } from '../../../src/face/cli/report-files.js';
import { copyToFile } from '../../../src/wire/initiator/copy.js';
import { Capture } from '../../../src/wire/link/capture.js';
import { makeLab } from '../../wire/initiator/lab.js';
import { folderOfFile, temporaryFolder } from '../temporary.js';

process.env.AOE_LAB_STATE = folderOfFile();

const asRoot = process.getuid?.() === 0 ? test : test.skip;

test('an output is made for its user alone, and keeps what it had until it is emptied, also through a link of the user’s own', async (t) => {
  const path = join(await temporaryFolder(t), 'out');
  await symlink('out', `${path}.link`);
  for (const [name, isNew] of [
    [path, true],
    [path, false],
    [`${path}.link`, false],
  ] as const) {
    const opened = await openOutput(name);
    t.is(opened.isNew, isNew);
    t.is((await opened.file.stat()).size, isNew ? 0 : 'written'.length);
    await opened.empty();
    await opened.file.writeFile('written');
    await opened.file.close();
  }
  t.is((await stat(path)).mode & 0o777, 0o600);
});

test('what a shell puts in the place of >(command), and standard output, are written to', (t) => {
  const program = `import { openOutput } from '${join(packageRoot, 'dist/src/base/files/open-output.js')}';
const { file } = await openOutput(process.argv[1]);
await file.writeFile('written');
await file.close();`;
  for (const argument of ['>(cat)', '/dev/stdout', '/proc/self/fd/1']) {
    const script = `"$0" --input-type=module -e "$1" ${argument} | cat; wait`;
    t.is(execFileSync('bash', ['-c', script, process.execPath, program], { encoding: 'utf8' }), 'written');
  }
});

test('what was made is taken away again, and what was there or came meanwhile is not', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'out');
  const made = await openOutput(path);
  await made.discard();
  t.deepEqual(await readdir(folder), []);
  const other = await openOutput(path);
  await made.discard();
  const there = await openOutput(path);
  await there.discard();
  t.deepEqual(await readdir(folder), ['out']);
  for (const { file } of [made, other, there]) await file.close();
});

test('A13: a pipe that nobody reads is given up, and one that is read is written to', async (t) => {
  const path = join(await temporaryFolder(t), 'pipe');
  execFileSync('mkfifo', [path]);
  await t.throwsAsync(openOutput(path, { patience: 0 }), { message: /a pipe that nobody reads/ });
  const reader = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const received = buffer(reader.stdout);
  const { file } = await openOutput(path);
  // More than a pipe holds.
  await file.writeFile(Buffer.alloc(1 << 20));
  await file.close();
  t.is((await received).length, 1 << 20);
});

asRoot('HOSTILE: A12, A13: what another user laid out where others may write receives nothing', async (t) => {
  const folder = await temporaryFolder(t);
  const open = join(folder, 'open');
  await mkdir(open);
  await chmod(open, 0o1777);
  const [file, pipe, names, own] = ['file', 'pipe', 'names', 'own'].map((name) => join(open, name)) as [
    string,
    string,
    string,
    string,
  ];
  for (const one of [file, own, join(folder, 'precious')]) await writeFile(one, 'old', { mode: 0o600 });
  await link(join(folder, 'precious'), names);
  execFileSync('mkfifo', [pipe]);
  for (const one of [file, pipe]) await chown(one, 1000, 1000);
  const { target } = await makeLab();
  for (const [path, message] of [
    [file, /it is user 1000's, and everybody may write to/],
    [pipe, /it is user 1000's, and everybody may write to/],
    [names, /it has 2 names, and everybody may write to/],
  ] as const) {
    await t.throwsAsync(copyToFile(target, { from: 0, count: 1 }, path), { instanceOf: LabError, message });
    await t.throwsAsync(Capture.open(path), { instanceOf: LabError, message });
  }
  t.is(await readFile(join(folder, 'precious'), 'utf8'), 'old');
  t.is(await readFile(file, 'utf8'), 'old');
  await copyToFile(target, { from: 0, count: 1 }, own);
  // Where root alone can have put it, it is what root meant.
  const given = join(folder, 'given');
  await writeFile(given, 'old');
  await chown(given, 1000, 1000);
  await copyToFile(target, { from: 0, count: 1 }, given);
  t.is((await stat(given)).size, 512);
});

asRoot('HOSTILE: A3: reports are not written where a link of another user’s leads', async (t) => {
  const folder = await temporaryFolder(t);
  const precious = join(folder, 'precious');
  await writeFile(precious, 'precious');
  const open = join(folder, 'open');
  await mkdir(open);
  await chown(open, 1000, 1000);
  let ran = false;
  for (const [name, to] of [
    ['there', '../precious'],
    ['dangling', '../new'],
    ['through/new', '..'],
  ] as const) {
    const link = join(open, name.replace(/\/.*/, ''));
    await symlink(to, link);
    await lchown(link, 1000, 1000);
    const report = withReportFiles({ html: join(open, name) }, async (write) => {
      ran = true;
      await write({ html: () => 'report' });
    });
    await t.throwsAsync(
      report,
      { instanceOf: LabError, message: /is a link, and user 1000 may write to/ },
      name,
    );
  }
  t.false(ran);
  t.is(await readFile(precious, 'utf8'), 'precious');
  t.deepEqual((await readdir(folder)).sort(), ['open', 'precious']);
});

test('reports are written when there is something to write, and open to others as the umask has it', async (t) => {
  const folder = await temporaryFolder(t);
  const [svg, html] = [join(folder, 'r.svg'), join(folder, 'r.html')];
  await writeFile(html, 'what an earlier run said, at length');
  await t.throwsAsync(
    withReportFiles({ svg, html }, () => Promise.reject(new Error('the run failed'))),
    { message: 'the run failed' },
  );
  t.deepEqual(await readdir(folder), ['r.html']);
  t.is(await readFile(html, 'utf8'), 'what an earlier run said, at length');
  await withReportFiles({ svg, html }, (write) => write({ svg: () => 'picture', html: async () => 'page' }));
  t.is(await readFile(svg, 'utf8'), 'picture');
  t.is(await readFile(html, 'utf8'), 'page');
  t.is((await stat(svg)).mode & 0o777, 0o666 & ~process.umask());
  const twice = withReportFiles({ svg, html: join(folder, '.', 'r.svg') }, async () => t.fail('it ran'));
  await t.throwsAsync(twice, { instanceOf: LabError, message: /two of them would go to that file/ });
  t.is(await readFile(svg, 'utf8'), 'picture');
  await withReportFiles({ svg: '/dev/null', html: '/dev/null' }, (write) => write({ svg: () => 'x' }));
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
