import { LabError, MissingError } from '../../base/errors.js';
import { CommandError } from './command-error.js';

/** Whether something failed because this user may not do it. */
export function isForbidden(error: unknown): boolean {
  return isRefusal(error, ['EACCES', 'EPERM'], /permission denied|not permitted/i);
}

/** Whether something failed because there is no room, or none that this user may take. */
export function isFull(error: unknown): boolean {
  return isRefusal(error, ['ENOSPC', 'EDQUOT'], /no space left on device|disk quota exceeded/i);
}

function isReadOnly(error: unknown): boolean {
  return isRefusal(error, ['EROFS'], /read-only file system/i);
}

/** By the code of a system call, or the words of a command; of what came of it, too. */
function isRefusal(error: unknown, codes: readonly string[], words: RegExp): boolean {
  if (error instanceof CommandError) return words.test(error.stderr);
  if (error instanceof LabError) return error.cause !== undefined && isRefusal(error.cause, codes, words);
  return codes.includes((error as NodeJS.ErrnoException).code ?? '');
}

/**
 * Does what needs rights on a folder of ours, and room in it.
 * @throws MissingError in place of what says that this user has none
 * @throws LabError in place of what says that it is full or read-only
 */
export async function withRights<T>(tried: string, folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (isFull(cause)) {
      throw new LabError({
        tried,
        happened: `the file system of ${folder} is full, or the quota of this user is used up`,
        next: `make room there (df ${folder}; df -i ${folder}), then run the command again`,
        cause,
      });
    }
    if (isReadOnly(cause)) {
      throw new LabError({
        tried,
        happened: `${folder} lies on a file system that is read-only`,
        next: 'have it mounted read-write (dmesg tells why where the kernel made it so), then run the command again',
        cause,
      });
    }
    if (!isForbidden(cause)) throw cause;
    throw new MissingError({
      tried,
      happened: `this user has no rights to ${folder}`,
      next: [
        'run the command as root, or as the user whose folder it is',
        'AOE_LAB_STATE names another folder',
      ],
      missing: ['rights'],
      cause,
    });
  }
}
