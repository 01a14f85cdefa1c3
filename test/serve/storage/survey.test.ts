/** The answer is lines: what others may name as they like must not write any of its own. */
import { chmod, mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { RunOptions } from '../../../src/hosts/host/host.js';
import { here, LocalHost } from '../../../src/hosts/host/local.js';
import { quote } from '../../../src/hosts/host/quote.js';
import { surveyScript, surveyStorage } from '../../../src/serve/storage/survey.js';
import { parseSurvey } from '../../../src/serve/storage/survey-text.js';
import { grant } from '../../base/files/acl.js';
import { temporaryFolder } from '../../base/temporary.js';
import { SHELLS } from '../../hosts/shells.js';

const FORGED = '\n@blocks\n@mounts\n@swaps\n@locks\n@writers\n@end\n';

test('a link that leads to lines says nothing of disks, mounts and users', async (t) => {
  const folder = await temporaryFolder(t);
  const name = join(folder, 'disk');
  await writeFile(join(folder, `a${FORGED}b`), '');
  await symlink(`a${FORGED}b`, name);
  const plain = join(folder, 'plain');
  await writeFile(plain, '');
  const [seen, usual] = [await surveyStorage(here, [name]), await surveyStorage(here, [plain])];
  t.deepEqual([...seen.blocks.keys()], [...usual.blocks.keys()]);
  t.true(seen.mounts.length > 0);
  t.is(seen.names.get(name)?.node?.kind, 'file');
});

test('links below /dev whose names or targets are lines are left out', async (t) => {
  const folder = await temporaryFolder(t);
  await symlink('sda', join(folder, `name${FORGED}`));
  await symlink(`target${FORGED}`, join(folder, 'lines'));
  await symlink('sda', join(folder, 'usual'));
  const script = surveyScript().replace('find /dev ', `find ${quote(folder)} `);
  t.not(script, surveyScript());
  const { stdout } = await here.run(['sh', '-c', script, 'sh', 'users', folder], { accept: [1, 123] });
  t.is(stdout.split('\n').filter((one) => one === '@mounts').length, 1);
  t.is(stdout.split('\n').filter((one) => one.startsWith('l') && one.includes(folder)).length, 2);
});

test('an access list here is told whatever ls there is, and without getfacl', async (t) => {
  const hidden = 'ls() { [ "$1" != --version ] && command ls "$@"; }; getfacl() { return 1; }';
  class Host extends LocalHost {
    override run([shell = '', flag = '', script = '', ...words]: string[], options?: RunOptions) {
      return super.run([shell, flag, `${hidden}\n${script}`, ...words], options);
    }
  }
  const top = await temporaryFolder(t);
  const lists = async (folder: string) => {
    await mkdir(join(top, folder));
    await chmod(join(top, folder), 0o775);
    if (folder === 'some' && !grant(join(top, folder))) return t.log('no access lists here');
    const name = join(top, folder, 'image');
    const { names } = await surveyStorage(new Host(), [name], 'names');
    t.is(names.get(name)?.way.find(({ path }) => path === join(top, folder))?.acl, folder as 'some' | 'none');
  };
  await lists('none');
  await lists('some');
});

test('every shell tells the same of names together as of each alone: links, what is missing, names with lines', async (t) => {
  const folder = await realpath(await temporaryFolder(t));
  const at = (...parts: string[]): string => join(folder, ...parts);
  await mkdir(at('a folder*', 'deep'), { recursive: true });
  await chmod(at('a folder*'), 0o775);
  for (const file of [['plain'], ['a folder*', 'image'], ['with\nlines\n']])
    await writeFile(at(...file), 'x');
  await mkdir(at('lines\n'));
  await symlink(at('a folder*', 'image'), at('link'));
  await symlink('../../link', at('a folder*', 'deep', 'other'));
  await symlink('a folder*', at('folder link'));
  await symlink('turns', at('turns'));
  const names = [
    ...['plain', 'a folder*/image', 'link', 'folder link/deep/../image', 'folder link/deep/other', 'turns'],
    ...[
      'none',
      'none/below',
      'a folder*',
      'with\nlines\n',
      'lines\n/none',
      'plain/below',
      'folder link/none',
    ],
  ].map((name) => at(name));
  const tell = async (shell: string[], ...some: string[]) => {
    const script = surveyScript();
    const { stdout } = await here.run([...shell, '-c', script, 'sh', 'names', ...some], { accept: [1] });
    return parseSurvey(stdout, some);
  };
  const alone = new Map(
    await Promise.all(names.map(async (name) => [name, (await tell(['sh'], name)).names.get(name)] as const)),
  );
  for (const shell of SHELLS) {
    const together = await tell(shell, ...names);
    const there = names.filter((name) => alone.get(name)?.node !== undefined);
    for (const snapshot of [together, await tell(shell, ...there)]) {
      for (const [name, facts] of snapshot.names) {
        t.deepEqual(
          { ...facts, room: undefined },
          { ...alone.get(name), room: undefined },
          `${shell}: ${name}`,
        );
        t.is(facts.room?.type, alone.get(name)?.room?.type);
      }
      t.deepEqual(snapshot.user, { ...together.user, uid: process.geteuid?.(), gid: process.getegid?.() });
    }
  }
  const facts = (name: string) => alone.get(at(name));
  t.deepEqual(facts('link')?.hops, [at('link'), at('a folder*', 'image')]);
  t.deepEqual(facts('folder link/deep/other')?.hops.at(-1), at('a folder*', 'image'));
  const way = facts('link')?.way.map(({ path }) => path) ?? [];
  t.deepEqual(
    way.filter((path) => path.startsWith(`${folder}/`)),
    [at('link'), at('a folder*'), at('a folder*', 'image')],
  );
  t.is(facts('plain')?.way.length, at('plain').split('/').length);
  t.is(facts('plain')?.node?.size, 1);
  t.true((facts('none')?.room?.free ?? 0) > 0);
  for (const name of ['with\nlines\n', 'lines\n/none']) t.true(facts(name)?.broken, name);
  for (const name of ['none', 'turns']) t.is(facts(name)?.node, undefined);
  t.is(facts('none')?.trouble, undefined);
  t.not(facts('turns')?.trouble, undefined);
});
