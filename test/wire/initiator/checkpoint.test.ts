import { execFileSync } from 'node:child_process';
import { chown, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { UsageError } from '../../../src/base/errors.js';
import { Checkpoint, type CopyFacts } from '../../../src/wire/initiator/checkpoint.js';
import { temporaryFolder } from '../../base/temporary.js';

const FACTS: CopyFacts = {
  direction: 'read',
  address: 'e0.1',
  model: 'm',
  serial: 's',
  sectors: 2048,
  offset: 0,
  length: null,
  input: null,
};

test('a copy is gone on with where its record says', async (t) => {
  const path = join(await temporaryFolder(t), 'out.resume');
  await (await Checkpoint.open(path, FACTS)).save(512);
  t.is((await Checkpoint.open(path, FACTS)).done, 512);
});

test('hostile: what is no record of this user’s is refused at once: a pipe, a link, a file without end, another’s', async (t) => {
  const path = join(await temporaryFolder(t), 'out.resume');
  const refused = async (happened: RegExp): Promise<void> => {
    const error = await t.throwsAsync(Checkpoint.open(path, FACTS), { instanceOf: UsageError });
    t.regex(error?.facts.happened ?? '', happened);
    t.is(error?.facts.next, 'name another file by --resume', 'it may be anything: that is not to be removed');
    await rm(path);
  };
  execFileSync('mkfifo', [path]);
  await refused(/^it is no file$/);

  await (await Checkpoint.open(`${path}.other`, FACTS)).save(512);
  await symlink('out.resume.other', path);
  await refused(/^it is a link$/);

  await writeFile(path, '');
  await truncate(path, 3 * 2 ** 30);
  await refused(/longer than 64 KiB/);

  await writeFile(path, `{"done": 512, "model": ${'['.repeat(30_000)}${']'.repeat(30_000)}}`);
  await refused(/no record of a copy/);

  if (process.getuid?.() !== 0) return;
  await writeFile(path, await readFile(`${path}.other`));
  await chown(path, 1000, 1000);
  await refused(/^it is user 1000's$/);
});
