import { closeSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { LabError, MissingError } from '../../base/errors.js';
import { describeErrno, type Libc, libcError } from '../../base/libc/libc.js';

const FOLDER = '/run/netns';
const CLONE_NEWNET = 0x4000_0000;

/**
 * Runs `body` with this thread in a named network namespace, and brings the thread back in any case. A socket made
 * meanwhile stays in that namespace. `body` must not be asynchronous: other code of this thread would run there.
 *
 * @throws MissingError if there is no such namespace, or no right to enter it
 */
export function inNamespace<T>(libc: Libc, name: string, body: () => T): T {
  const tried = `entering the network namespace ${name}`;
  const target = openNamespace(name, tried);
  try {
    // Not /proc/self: that is the main thread's, and this may be a worker.
    const own = openSync('/proc/thread-self/ns/net', 'r');
    try {
      enter(libc, target, tried);
      try {
        return body();
      } finally {
        leave(libc, own, tried);
      }
    } finally {
      closeSync(own);
    }
  } finally {
    closeSync(target);
  }
}

function openNamespace(name: string, tried: string): number {
  try {
    if (name === '' || name.includes('/') || name === '.' || name === '..') {
      throw Object.assign(new Error('a name of a namespace has no slash'), { code: 'ENOENT' });
    }
    return openSync(join(FOLDER, name), 'r');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOENT') throw new LabError({ tried, happened: message, cause });
    const names = listNamespaces();
    throw new MissingError({
      tried,
      happened: `there is none of that name; there ${names.length === 0 ? 'is none at all' : `are: ${names.join(', ')}`}`,
      next: `name one of these, or make it: ip netns add ${name}`,
      missing: [`network namespace ${name}`],
    });
  }
}

function listNamespaces(): string[] {
  try {
    return readdirSync(FOLDER).sort();
  } catch {
    return [];
  }
}

/** Without the way back all that this thread did later would happen in the wrong place: that must not go on. */
function leave(libc: Libc, own: number, tried: string): void {
  if (libc.setns(own, CLONE_NEWNET) !== 0) throw libcError(`${tried}, and leaving it`, 'setns', libc.errno());
}

function enter(libc: Libc, fd: number, tried: string): void {
  if (libc.setns(fd, CLONE_NEWNET) === 0) return;
  const errno = libc.errno();
  const EPERM = 1;
  if (errno !== EPERM) throw libcError(tried, 'setns', errno);
  throw new MissingError({
    tried,
    happened: `setns failed, ${describeErrno(errno)}`,
    next: 'run it as root (or with CAP_SYS_ADMIN)',
    missing: ['CAP_SYS_ADMIN'],
  });
}
