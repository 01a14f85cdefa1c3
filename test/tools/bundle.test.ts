import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Script } from 'node:vm';
import test from 'ava';
import { execa } from 'execa';
import { packageRoot, programsFolder } from '../../src/base/files/paths.js';
import { temporaryFolder } from '../base/temporary.js';

test('programs are of ASCII alone, as which they are read: templates with a tag, too', async (t) => {
  for (const name of ['aoe-lab', 'native', 'sqaoed']) {
    const code = await readFile(join(programsFolder, `${name}.code.cjs`), 'latin1');
    t.is(/.*[^\0-\x7f].*/.exec(code)?.[0], undefined, name);
  }
});

test('V8 takes what the build compiled of each program', async (t) => {
  for (const name of ['aoe-lab', 'native']) {
    const code = await readFile(join(programsFolder, `${name}.code.cjs`), 'latin1');
    const cachedData = await readFile(join(programsFolder, `${name}.cache`));
    t.false(new Script(code, { cachedData }).cachedDataRejected, name);
  }
});

test('a program starts without what the build compiled, and with what another V8 compiled or is cut short', async (t) => {
  const folder = await temporaryFolder(t);
  const bin = join(folder, 'dist', 'bin');
  await mkdir(bin, { recursive: true });
  await cp(join(packageRoot, 'package.json'), join(folder, 'package.json'));
  for (const name of ['native.cjs', 'native.code.cjs', 'native.cache']) {
    await cp(join(programsFolder, name), join(bin, name));
  }
  const usage = async (): Promise<string> => {
    const { stderr, exitCode } = await execa(process.execPath, [join(bin, 'native.cjs')], { reject: false });
    // A line of the log begins with its time.
    return `${exitCode} ${stderr.replace(/^\S+ (?=usage: )/, '')}`;
  };
  const right = await usage();
  t.regex(right, /^2 usage: /);
  const cache = join(bin, 'native.cache');
  const made = await readFile(cache);
  await writeFile(cache, made.subarray(0, made.length / 2));
  t.is(await usage(), right);
  const other = Buffer.from(made);
  // Of V8's header: magic, version, hash of the source, hash of the flags.
  other.fill(0x55, 4, 16);
  await writeFile(cache, other);
  t.is(await usage(), right);
  await rm(cache);
  t.is(await usage(), right);
});

test('the version is told without anything of the bundle', async (t) => {
  const folder = await temporaryFolder(t);
  const bin = join(folder, 'dist', 'bin');
  await mkdir(bin, { recursive: true });
  await cp(join(packageRoot, 'package.json'), join(folder, 'package.json'));
  await cp(join(programsFolder, 'aoe-lab.cjs'), join(bin, 'aoe-lab.cjs'));
  const { version } = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8'));
  const run = (...words: string[]) =>
    execa(process.execPath, [join(bin, 'aoe-lab.cjs'), ...words], { reject: false });
  for (const word of ['--version', '-V']) t.is((await run(word)).stdout, version);
  // What asks for more needs it.
  t.not((await run('--version', 'list')).exitCode, 0);
});

test('words that native does not know are told with its usage', async (t) => {
  const native = join(programsFolder, 'native.cjs');
  const { stderr, exitCode } = await execa(process.execPath, [native, '--nonsense'], { reject: false });
  t.is(exitCode, 2);
  t.regex(stderr, /--nonsense[\s\S]*usage: native\.cjs -c FILE/);
  t.notRegex(stderr, /\n {4}at /);
});
