/** The kernel of a guest: its image and its modules. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import { MissingError } from '../../base/errors.js';
import { findKernel } from '../../make/debian/kernels.js';
import { type FetchPackagesOptions, fetchDebianPackages } from '../../make/debian/packages.js';

export interface GuestKernel {
  /** As the user calls it: `6.1`, `host`, a path. */
  name: string;
  /** As `uname -r` prints it; undefined where only an image is known. */
  release?: string | undefined;
  /** Path of the bzImage. */
  image: string;
  /** Folder with `kernel/` in it, such as `/lib/modules/6.1.0-56-amd64`; undefined: all that is needed is built in. */
  modules?: string | undefined;
  /** Whether devices can be plugged in while it runs; of one that is not Debian's this is not known. */
  isHotplugged?: boolean | undefined;
}

/**
 * @param name of a Debian kernel (see KERNELS), `host` for the running one's files, or the path of an image; `IMAGE:MODULES`
 *   names its modules' folder too
 * @throws MissingError if the files are not there · otherwise as fetchDebianPackages
 */
export async function guestKernel(name: string, options: FetchPackagesOptions = {}): Promise<GuestKernel> {
  if (name.startsWith('/') || name.startsWith('.')) {
    const [image = '', modules] = name.split(':');
    return requireFiles({ name, image, modules });
  }
  if (name === 'host') {
    const running = release();
    return requireFiles({
      name,
      release: running,
      image: `/boot/vmlinuz-${running}`,
      modules: `/lib/modules/${running}`,
    });
  }
  const { suite, image: names, release: found } = await findKernel(name, options);
  const { folder } = await fetchDebianPackages({ suite, names }, options);
  // Before the merge of /usr, and since images are packages of their own.
  const modules = [`usr/lib/modules/${found}`, `lib/modules/${found}`]
    .map((path) => join(folder, path))
    .find((path) => existsSync(join(path, 'kernel')));
  const image = [join(folder, 'boot', `vmlinuz-${found}`), join(modules ?? folder, 'vmlinuz')].find((path) =>
    existsSync(path),
  );
  const files = { image: image ?? `vmlinuz-${found}`, modules };
  return requireFiles({ name, release: found, ...files, isHotplugged: true });
}

async function requireFiles(kernel: GuestKernel): Promise<GuestKernel> {
  const { name, image, modules } = kernel;
  for (const path of [image, ...(modules === undefined ? [] : [modules])]) {
    if (existsSync(path)) continue;
    throw new MissingError({
      tried: `taking the kernel ${name} for a guest`,
      happened: `there is no ${path}`,
      next: 'take one of Debian, such as --kernel 6.1',
      missing: [path],
    });
  }
  if (modules !== undefined) await readdir(modules);
  return kernel;
}
