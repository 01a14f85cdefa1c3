import { MissingError } from '../errors.js';
import { CommandError } from './command-error.js';

/** Whether something failed because this user may not do it. */
export function isForbidden(error: unknown): boolean {
  if (error instanceof CommandError) return /permission denied|not permitted/i.test(error.stderr);
  return ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/**
 * Does what needs rights on a folder of ours.
 * @throws MissingError in place of what says that this user has none
 */
export async function withRights<T>(tried: string, folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
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
