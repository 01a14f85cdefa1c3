import { CommandError } from './command-error.js';
import type { Host } from './host.js';

/**
 * The content of a file; undefined if there is none. ENODEV, ESRCH: a file of the kernel's whose object or process is just
 * going.
 * @throws as Host.run and Host.read where it can't be looked at: that is not the same
 */
export async function readIfThere(host: Host, path: string): Promise<Buffer | undefined> {
  try {
    return await host.read(path);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ENOTDIR', 'ENODEV', 'ESRCH'].includes(code)) return undefined;
    if (error instanceof CommandError && /: No such (device|process)\s*$/.test(error.stderr))
      return undefined;
    throw error;
  }
}
