import fs from 'node:fs';
import { access, mkdir, readdir, realpath, rename, symlink, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { removeTree } from '../../../src/base/files/remove-tree.js';
import { temporaryFolder } from '../temporary.js';

/** Something happens just before a call for the folder `inner`, once. @returns whether it has */
function before(t: ExecutionContext, name: 'open' | 'readdir', happens: () => Promise<void>): () => boolean {
  const { promises } = fs;
  const real = promises[name] as (...args: unknown[]) => Promise<unknown>;
  let todo = true;
  const restore = (): void => {
    Object.assign(promises, { [name]: real });
    syncBuiltinESMExports();
  };
  const replaced = async (...args: unknown[]): Promise<unknown> => {
    if (todo && (await realpath(String(args[0]))).endsWith('/inner')) {
      todo = false;
      await happens();
    }
    return real.apply(promises, args);
  };
  Object.assign(promises, { [name]: replaced });
  syncBuiltinESMExports();
  t.teardown(restore);
  return () => !todo;
}

async function victim(t: ExecutionContext): Promise<{ folder: string; theirs: string }> {
  const top = await temporaryFolder(t);
  const [folder, theirs] = [join(top, 'run'), join(top, 'theirs')];
  await mkdir(join(folder, 'inner', 'deep'), { recursive: true });
  await writeFile(join(folder, 'inner', 'deep', 'file'), '');
  await writeFile(join(folder, 'inner', 'file'), '');
  await mkdir(join(theirs, 'deep'), { recursive: true });
  await writeFile(join(theirs, 'deep', 'file'), 'theirs');
  await writeFile(join(theirs, 'file'), 'theirs');
  return { folder, theirs };
}

test.serial('a file, a link and a folder with all in it go, what a link leads to stays', async (t) => {
  const { folder, theirs } = await victim(t);
  await symlink(theirs, join(folder, 'inner', 'link'));
  await symlink('nowhere', join(folder, '-rf'));
  await removeTree(`${folder}/`);
  t.deepEqual(await readdir(join(folder, '..')), ['theirs']);
  await symlink(theirs, folder);
  await removeTree(folder);
  await removeTree(join(theirs, 'file'));
  t.deepEqual(await readdir(theirs), ['deep']);
  await removeTree(folder);
  await removeTree(join(folder, 'nothing'));
  await removeTree(join(theirs, 'deep', 'file', 'nothing'));
  t.deepEqual(await readdir(join(theirs, 'deep')), ['file']);
});

test.serial('what can not be removed is named as the user knows it', async (t) => {
  await t.throwsAsync(removeTree('/proc/self/status'), {
    message: "EPERM: operation not permitted, unlink '/proc/self/status'",
  });
});

test.serial(
  'an empty folder goes without being opened, which its user may not do to one without rights',
  async (t) => {
    const { folder } = await victim(t);
    const inner = join(folder, 'inner');
    await removeTree(inner);
    await mkdir(inner, { mode: 0 });
    const isOpened = before(t, 'open', async () => {});
    await removeTree(folder);
    t.false(isOpened());
    t.deepEqual(await readdir(join(folder, '..')), ['theirs']);
  },
);

for (const [call, when] of [
  ['open', 'before it is opened'],
  ['readdir', 'before it is listed'],
] as const) {
  test.serial(
    `hostile: a folder that is exchanged for a link ${when} leads to no removal elsewhere`,
    async (t) => {
      const { folder, theirs } = await victim(t);
      const hasHappened = before(t, call, async () => {
        await rename(join(folder, 'inner'), join(folder, '..', 'moved'));
        await symlink(theirs, join(folder, 'inner'));
      });
      await removeTree(folder);
      t.true(hasHappened());
      await access(join(theirs, 'file'));
      await access(join(theirs, 'deep', 'file'));
      t.false((await readdir(join(folder, '..'))).includes('run'));
    },
  );
}
