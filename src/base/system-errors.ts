/** What the system refuses is no fault of aoe-lab: its errors as those that a user may see. */
import { getSystemErrorMap } from 'node:util';
import { LabError, MissingError, UsageError } from './errors.js';

/** What a call was for; with the path it was for behind. */
const TRIED: Readonly<Record<string, string>> = {
  access: 'looking at',
  bind: 'listening at',
  chmod: 'changing the mode of',
  chown: 'changing the owner of',
  connect: 'connecting to',
  copyfile: 'copying',
  fsync: 'writing',
  ftruncate: 'changing the size of',
  futime: 'changing the times of',
  getaddrinfo: 'looking up',
  link: 'linking',
  listen: 'listening at',
  lstat: 'looking at',
  mkdir: 'making the folder',
  mkdtemp: 'making a folder',
  open: 'opening',
  opendir: 'listing',
  read: 'reading',
  readlink: 'reading the link',
  realpath: 'looking up',
  rename: 'renaming',
  rm: 'removing',
  rmdir: 'removing the folder',
  scandir: 'listing',
  stat: 'looking at',
  symlink: 'making the link',
  truncate: 'changing the size of',
  unlink: 'removing',
  write: 'writing',
};

const NEXT: Readonly<Record<string, string>> = {
  EACCES: 'run it as root, or as a user who may',
  EPERM: 'run it as root, or as a user who may',
  EROFS: 'name a place that can be written to, or have it mounted read-write',
  ENOSPC: 'make room there, or name another place',
  EDQUOT: 'make room there, or name another place',
  ENOENT: 'check the name',
  ENOTDIR: 'check the name: a part of it is no folder',
  EISDIR: 'it is a folder: name a file',
  EEXIST: 'name another, or remove what is there',
  ELOOP: 'its symbolic links lead round in a circle: name the file itself',
  ENAMETOOLONG: 'take a shorter name',
  EMFILE: 'raise the limit of open files: ulimit -n',
  ENFILE: 'raise the limit of open files: sysctl fs.file-max',
  EBUSY: 'end what uses it',
  EIO: 'the device below fails: look at the kernel log (dmesg)',
  ENOMEM: 'free some memory',
  EADDRINUSE: 'end what listens there, or name another place',
  ENOTFOUND: 'check the name and the way to a name server',
  EAI_AGAIN: 'check the way to a name server',
};

/** Of Node, beside the system's. */
const OTHER: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'no name server answered',
  ERR_FS_FILE_TOO_LARGE: 'it is larger than 2 GiB',
};

const FORBIDDEN = ['EACCES', 'EPERM'];

/**
 * An error as one that was to be expected: it is one already, or the system, a name server or a peer has refused something.
 * @returns undefined if it is a fault of aoe-lab
 */
export function expectedError(error: unknown): LabError | undefined {
  if (error instanceof LabError) return error;
  if (!(error instanceof Error)) return undefined;
  if (error instanceof AggregateError && error.errors.length > 0) return expectedError(error.errors[0]);
  return ofSystem(error) ?? (error.cause === undefined ? undefined : expectedError(error.cause));
}

function ofSystem(cause: NodeJS.ErrnoException & { dest?: string; hostname?: string }): LabError | undefined {
  const { code, syscall = '', message } = cause;
  if (code === 'ERR_INVALID_ARG_VALUE' && message.includes('null bytes')) {
    return new UsageError({
      tried: 'looking at a path',
      happened: 'it holds a NUL character, which no path can',
      next: 'check the names that were given, in files too',
      cause,
    });
  }
  const happened = code === undefined ? undefined : (OTHER[code] ?? SYSTEM.get(code));
  if (code === undefined || happened === undefined) return undefined;
  const facts = { tried: triedOf(cause), happened, cause };
  // "spawn NAME": the program is what is not there.
  if (syscall.startsWith('spawn') && code === 'ENOENT') {
    const name = cause.path ?? syscall.replace(/^spawn ?/, '');
    return new MissingError({
      ...facts,
      happened: `there is no program ${name}`,
      next: 'install it; aoe-lab doctor shows what is missing',
      missing: [name],
    });
  }
  const next = NEXT[code];
  const told = { ...facts, ...(next === undefined ? {} : { next }) };
  return FORBIDDEN.includes(code)
    ? new MissingError({ ...told, missing: ['permission'] })
    : new LabError(told);
}

function triedOf({
  syscall = '',
  path,
  dest,
  hostname,
  message,
}: NodeJS.ErrnoException & { dest?: string; hostname?: string }): string {
  const [call = ''] = syscall.split(' ');
  const verb = TRIED[call] ?? (call.startsWith('spawn') ? 'starting' : call || 'asking the system');
  const what = path ?? hostname ?? '';
  if (what === '') return call === '' ? message : verb;
  return `${verb} ${what}${dest === undefined ? '' : ` as ${dest}`}`;
}

/** "ENOSPC" → "no space left on device" */
const SYSTEM: ReadonlyMap<string, string> = new Map([...getSystemErrorMap().values()]);

/** A system's error by the name that a person knows, rather than that of a handle; any other as it is. */
export function underName(error: unknown, path: string): unknown {
  const { code, syscall = '', message } = error as NodeJS.ErrnoException;
  if (code === undefined || !SYSTEM.has(code)) return error;
  const why = message.replace(/^\w+: |, \w+ '.*$/g, '');
  const told = new Error(`${code}: ${why}, ${syscall} '${path}'`, { cause: error });
  return Object.assign(told, { code, syscall, path });
}
