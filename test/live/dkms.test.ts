/** What `build --dkms` writes, in the hands of Debian's own dkms, and what comes of it in a guest. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { here } from '../../src/hosts/host/local.js';
import { inRoot } from '../../src/hosts/host/root.js';
import { writeDkmsTree } from '../../src/make/compile/dkms.js';
import { findKernelTree } from '../../src/make/compile/kernel.js';
import { findCommand } from '../../src/make/compile/requirements.js';
import { fetchDebianPackages } from '../../src/make/debian/packages.js';
import { loadRecipe, select } from '../../src/make/recipe/load.js';
import { fetchSource } from '../../src/make/source/fetch.js';
import { bootGuest } from '../../src/prove/vm/index.js';
import { temporaryFolder } from '../base/temporary.js';
import { buildOf } from '../make/compile/build-of.js';
import { noGuests, sourceTree, testUnless } from './support/machine.js';

const KERNEL = '6.1';
/** What dkms calls, beside what a kernel's headers bring. */
const PROGRAMS = [
  ...['bash', 'coreutils', 'dash', 'diffutils', 'dkms', 'findutils', 'grep', 'kmod', 'make', 'mawk'],
  ...['perl-base', 'sed'],
];

const reason = findCommand('bwrap') === undefined ? 'needs bwrap' : await noGuests();

/** What a module says of the kernel that it is for. */
function magicOf(module: Buffer): string {
  const at = module.indexOf('vermagic=');
  return module.toString('latin1', at, module.indexOf(0, at));
}

const MODULES = [
  { name: 'vblade-kernel', module: 'vb', ready: '/sys/vblade/drives', sources: undefined },
  { name: 'kvblade', module: 'kvblade', ready: '/sys/kvblade/add', sources: 'kvblade-alpha-3' },
  { name: 'aoeserver', module: 'aoeserver', ready: '/proc/aoeserver', sources: 'aoeserver-trunk' },
];

for (const { name, module, ready, sources } of MODULES) {
  const own = sources === undefined ? undefined : sourceTree(sources);
  const lacking = own !== undefined && 'reason' in own ? own.reason : reason;
  testUnless(lacking, `dkms builds and installs ${name}; it loads in a guest`, async (t) => {
    t.timeout(900_000);
    const recipe = await loadRecipe(name);
    const selected = select(recipe);
    const { release } = selected;
    const source = own !== undefined && 'path' in own ? { source: own.path } : {};
    const tree = await fetchSource(selected, source);
    const kernel = await findKernelTree(KERNEL);
    const folder = await temporaryFolder(t);
    await writeDkmsTree(tree, selected, join(folder, 'rendered'));

    const names = [...PROGRAMS, `linux-headers-${kernel.release}`];
    const debian = await fetchDebianPackages({ suite: 'bookworm', names, dependencies: true });
    const [src, state, modules] = ['src', 'dkms', 'modules'].map((one) => join(folder, one)) as [
      string,
      string,
      string,
    ];
    await Promise.all(
      [src, state, join(modules, kernel.release)].map((path) => mkdir(path, { recursive: true })),
    );
    const root = inRoot(here, debian.folder, folder);
    const dkms = async (...words: string[]): Promise<string> => {
      const places = ['--sourcetree', src, '--dkmstree', state, '--installtree', modules, '--no-depmod'];
      const target = ['-k', kernel.release, '--kernelsourcedir', kernel.headers];
      const argv = ['/usr/sbin/dkms', ...words, ...places, ...target];
      return (await root.run(argv, { timeout: 600_000 })).stdout;
    };
    const id = `${recipe.name}/${release.version}`;
    await dkms('add', join(folder, 'rendered'));
    t.regex(await dkms('build', id), new RegExp(`KDIR=${kernel.headers}`));
    await dkms('install', id);
    t.regex(await dkms('status', id), new RegExp(`^${id}, ${kernel.release}, x86_64: installed$`, 'm'));

    const path = join(modules, kernel.release, 'updates', 'dkms', `${module}.ko`);
    const { artifacts } = await buildOf(tree, selected, { kernel });
    const ours = magicOf(await readFile(artifacts[0]?.path ?? ''));
    t.regex(ours, new RegExp(`^vermagic=${kernel.release} `));
    t.is(magicOf(await readFile(path)), ours);

    const guest = await bootGuest({ kernel: KERNEL });
    try {
      await guest.host.put(path, `/tmp/${module}.ko`);
      await guest.host.run(['insmod', `/tmp/${module}.ko`]);
      t.not(await guest.host.stat(ready), undefined);
      await guest.host.run(['rmmod', module]);
      t.deepEqual(await guest.trouble(), []);
    } finally {
      await guest.stop();
    }
    await dkms('remove', id);
    t.is(await here.stat(path), undefined);
  });
}
