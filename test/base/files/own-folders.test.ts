import { chmod, chown, mkdir, symlink, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../../src/base/errors.js';
import { ownHome, requireOwn } from '../../../src/base/files/own-folders.js';
import { cacheFolder } from '../../../src/base/files/paths.js';
import { readBook } from '../../../src/hosts/book/book.js';
import { here } from '../../../src/hosts/host/local.js';
import { loadRecipes } from '../../../src/make/recipe/load.js';
import { noRoot, testUnless } from '../../live/support/machine.js';
import { temporaryFolder } from '../temporary.js';
import { grant } from './acl.js';

const NOBODY = 65534;

testUnless(
  noRoot(),
  'HOSTILE 8: root takes no folder that somebody else may change, nor one below',
  async (t) => {
    const folder = await temporaryFolder(t);
    const own = (name: string) => requireOwn(join(folder, name), 'the store', 'AOE_LAB_CACHE');
    const make = async (name: string, mode: number, uid = 0): Promise<void> => {
      await mkdir(join(folder, name));
      await chmod(join(folder, name), mode);
      await chown(join(folder, name), uid, uid);
    };
    const refused = (name: string, pattern: RegExp) =>
      t.throws(() => own(name), { instanceOf: UsageError, message: pattern });
    await make('theirs', 0o755, 12345);
    await make('open', 0o777);
    await make('sticky', 0o1777);
    await make('plain', 0o755);
    refused('theirs', /user 12345 may write to .*theirs, and so decide what root runs/);
    refused('theirs/not/there', /user 12345/);
    refused('open', /everybody/);
    refused('open/not-there', /everybody/);
    refused('sticky', /everybody/);
    await symlink('theirs', join(folder, 'link'));
    await symlink('sticky', join(folder, 'to-sticky'));
    refused('to-sticky', /everybody/);
    refused('link/x', /user 12345/);
    for (const name of ['plain', 'plain/not/there', 'sticky/not-there']) t.is(own(name), join(folder, name));
    // hostile: a group's rights are those of whoever an access list names.
    await make('listed', 0o775);
    await make('group', 0o775);
    t.is(own('group'), join(folder, 'group'));
    if (grant(join(folder, 'listed'))) refused('listed', /somebody on its access list may write/);
    else t.log('no access lists here');
  },
);

testUnless(
  noRoot(),
  'HOSTILE 8: store, state folder, host book and recipes of another user are refused',
  async (t) => {
    const folder = join(await temporaryFolder(t), 'theirs');
    await mkdir(join(folder, 'aoe-lab'), { recursive: true });
    await writeFile(join(folder, 'aoe-lab', 'hosts.yaml'), 'hosts: {}\n');
    await chown(folder, 12345, 12345);
    const names = ['AOE_LAB_CACHE', 'AOE_LAB_STATE', 'XDG_CONFIG_HOME', 'AOE_LAB_RECIPES'];
    const before = names.map((name) => process.env[name]);
    t.teardown(() => {
      for (const [index, name] of names.entries()) {
        if (before[index] === undefined) delete process.env[name];
        else process.env[name] = before[index];
      }
    });
    process.env.AOE_LAB_RECIPES = folder;
    await t.throwsAsync(loadRecipes(), { message: /using the recipes .* user 12345/ });
    process.env.AOE_LAB_CACHE = folder;
    t.throws(cacheFolder, { message: /using the store .* user 12345/ });
    process.env.AOE_LAB_STATE = folder;
    await t.throwsAsync(here.stateFolder(), { message: /using the state folder .* user 12345/ });
    process.env.XDG_CONFIG_HOME = folder;
    await t.throwsAsync(readBook(), { message: /using the host book .* user 12345/ });
  },
);

testUnless(
  noRoot(),
  'HOSTILE: A10: programs that root runs find no settings of another user’s, and those of root’s home',
  async (t) => {
    const folder = await temporaryFolder(t);
    const [theirs, ours] = [join(folder, 'theirs'), join(folder, 'ours')];
    for (const one of [theirs, ours]) await mkdir(one);
    await chown(theirs, 12345, 12345);
    const before = { ...process.env };
    t.teardown(() => {
      process.env = before;
    });
    const seen = async (home: string | undefined, config: string | undefined) => {
      process.env = { ...before, HOME: home, XDG_CONFIG_HOME: config };
      for (const name of ['HOME', 'XDG_CONFIG_HOME'])
        if (process.env[name] === 'undefined') delete process.env[name];
      return (await here.run(['sh', '-c', 'echo "$HOME" "$XDG_CONFIG_HOME"'])).stdout.trim();
    };
    const home = userInfo().homedir;
    t.is(await seen(ours, ours), `${ours} ${ours}`);
    t.is(await seen(theirs, join(theirs, '.config')), home);
    t.is(await seen(join(theirs, 'below'), undefined), home);
    t.is(await seen('ours', undefined), home);
    t.is(await seen(undefined, undefined), home);
    // An ordinary user is in the same place where HOME is another's.
    const asUser = (HOME: string): [string, string] => {
      process.env = { ...before, HOME };
      process.seteuid?.(NOBODY);
      try {
        return [ownHome(), userInfo().homedir];
      } finally {
        process.seteuid?.(0);
      }
    };
    await chmod(folder, 0o755);
    await chown(ours, NOBODY, 0);
    t.is(asUser(ours)[0], ours);
    const [found, known] = asUser(theirs);
    t.is(found, known);
  },
);
