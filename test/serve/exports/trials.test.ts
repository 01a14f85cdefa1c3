import { mkdir, readdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { LocalHost } from '../../../src/hosts/host/local.js';
import { EntryStore } from '../../../src/serve/exports/entry.js';
import {
  elsewhereFile,
  filesFolder,
  makeElsewhere,
  removeTrials,
} from '../../../src/serve/exports/trials.js';
import { temporaryFolder } from '../../base/temporary.js';

async function trial(t: ExecutionContext): Promise<{ store: EntryStore; parent: string; folder: string }> {
  const parent = await temporaryFolder(t);
  class Host extends LocalHost {
    override async stateFolder(): Promise<string> {
      return join(parent, 'state');
    }
  }
  const host = new Host();
  const store = await EntryStore.open(host);
  await mkdir(filesFolder(store, 'verify-1'), { recursive: true });
  const folder = join(parent, 'aoe-lab-verify-1');
  await host.write(elsewhereFile(store, 'verify-1'), folder);
  return { store, parent, folder };
}

test('a trial’s folder elsewhere goes with it, also one that had no time to be marked', async (t) => {
  const { store, parent, folder } = await trial(t);
  await makeElsewhere(store.host, folder);
  await writeFile(join(folder, 'image'), '');
  await removeTrials(store, ['verify-1']);
  t.deepEqual(await readdir(parent), ['state']);
  t.deepEqual(await readdir(join(parent, 'state')), []);
  await store.host.write(elsewhereFile(store, 'verify-1'), folder);
  await mkdir(folder);
  await removeTrials(store, ['verify-1']);
  t.deepEqual(await readdir(parent), ['state']);
});

test('hostile: a folder of ours, or a link, that took the name of a trial’s folder elsewhere stays', async (t) => {
  const { store, parent, folder } = await trial(t);
  await makeElsewhere(store.host, folder);
  await rename(folder, join(parent, 'moved'));
  await mkdir(folder);
  await writeFile(join(folder, 'precious'), '');
  await removeTrials(store, ['verify-1']);
  t.deepEqual(await readdir(folder), ['precious']);

  await store.host.write(elsewhereFile(store, 'verify-1'), folder);
  await rename(folder, join(parent, 'precious'));
  await symlink('moved', folder);
  await removeTrials(store, ['verify-1']);
  t.deepEqual((await readdir(parent)).sort(), ['aoe-lab-verify-1', 'moved', 'precious', 'state']);
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot(
  'a folder that becomes another user’s when it is made, as by root_squash, is told and removed',
  async (t) => {
    const parent = await temporaryFolder(t);
    // What a server of NFS does.
    const squash = 'mkdir() { command mkdir "$@" && chown 65534 "$1"; }';
    class Host extends LocalHost {
      override run([shell = '', flag = '', script = '', ...words]: string[]) {
        return super.run([shell, flag, `${squash}\n${script}`, ...words]);
      }
    }
    await t.throwsAsync(makeElsewhere(new Host(), join(parent, 'aoe-lab-verify-1')), {
      message: /became user 65534's when it was made.*root_squash/,
    });
    t.deepEqual(await readdir(parent), []);
  },
);
