/** Access lists (acl(5)), by which others than the group may write where the mode says that the group may. */
import { constants } from 'node:os';
import { libc } from '../libc/libc.js';

/** A function of the shell: `acl_of PATH` prints `some`, `none`, or nothing where that can't be asked: busybox's ls(1) shows none. */
export const ACL_OF = `case $(ls --version 2> /dev/null) in *GNU*) shows_lists=1 ;; *) shows_lists= ;; esac
acl_of() {
  if [ -n "$shows_lists" ]; then
    case $(ls -ld -- "$1" 2>/dev/null) in ??????????+*) echo some;; ?*) echo none;; esac
  elif command -v getfacl > /dev/null 2>&1 && list=$(getfacl -s -- "$1" 2>/dev/null); then
    [ -z "$list" ] && echo none || echo some
  fi
}`;

export type Acl = 'some' | 'none';

/** Of what lies here; undefined where it can't be asked. */
export function aclOf(path: string): Acl | undefined {
  // Every command looks at folders, few of which a group may write to.
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const { stdout } = spawnSync('sh', ['-c', `${ACL_OF}\nacl_of "$1"`, 'sh', path], { encoding: 'utf8' });
  return parseAcl(stdout?.trim());
}

/** The same, asked of the kernel: whatever programs there are. Links are followed. */
export async function askAcl(path: string): Promise<Acl | undefined> {
  const { getxattr, errno } = await libc();
  const size = getxattr(path, 'system.posix_acl_access', null, 0);
  if (size >= 0) return size > 0 ? 'some' : 'none';
  const { ENODATA, EOPNOTSUPP } = constants.errno;
  // It has none; its file system knows none.
  return [ENODATA, EOPNOTSUPP].includes(errno()) ? 'none' : undefined;
}

export function parseAcl(word: string | undefined): Acl | undefined {
  return word === 'some' || word === 'none' ? word : undefined;
}
