/** The answer is lines: what others may name as they like must not write any of its own. */
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { RunOptions } from '../../../src/hosts/host/host.js';
import { here, LocalHost } from '../../../src/hosts/host/local.js';
import { quote } from '../../../src/hosts/host/quote.js';
import { surveyScript, surveyStorage } from '../../../src/serve/storage/survey.js';
import { grant } from '../../base/files/acl.js';
import { temporaryFolder } from '../../base/temporary.js';

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
