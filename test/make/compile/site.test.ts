import { randomBytes } from 'node:crypto';
import { chown, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import test from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import { siteOn } from '../../../src/make/compile/site.js';
import { temporaryFolder } from '../../base/temporary.js';

/** The folder of builds on a host, which everybody may write to. */
const PLACE = '/var/tmp';

const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot(
  'hostile: folders that others made for a build are neither used nor removed; its own is closed to them',
  async (t) => {
    const key = randomBytes(6).toString('hex');
    const [name, tree] = [`aoe-lab-build-${key}`, await temporaryFolder(t)];
    const ofBuild = async (): Promise<string[]> =>
      (await readdir(PLACE)).filter((one) => one.startsWith(name)).sort();
    t.teardown(async () => {
      for (const one of await ofBuild()) await rm(join(PLACE, one), { recursive: true, force: true });
    });
    await writeFile(join(tree, 'Makefile'), 'ours');
    for (const theirs of [name, `${name}.theirs`]) {
      await mkdir(join(PLACE, theirs, 'tree'), { recursive: true });
      await writeFile(join(PLACE, theirs, 'tree', 'GNUmakefile'), 'theirs');
      await chown(join(PLACE, theirs), 1000, 1000);
    }
    await symlink(tree, join(PLACE, `${name}.link`));
    await mkdir(join(PLACE, `${name}.left`, 'tree'), { recursive: true });
    const before = [name, `${name}.link`, `${name}.theirs`];

    const site = siteOn(here, tree, key, undefined);
    await site.open();
    const parent = dirname(site.folder);
    const facts = await stat(parent);
    t.is(facts.uid, 0);
    t.is(facts.mode & 0o777, 0o700);
    t.deepEqual(await readdir(site.folder), ['Makefile']);
    t.deepEqual(await ofBuild(), [...before, basename(parent)].sort());
    await site.close();
    t.deepEqual(await ofBuild(), before);
    t.is(await readFile(join(PLACE, name, 'tree', 'GNUmakefile'), 'utf8'), 'theirs');
  },
);
