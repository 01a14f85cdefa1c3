/** Access lists of test files; setfacl(1) is not everywhere. */
import koffi from 'koffi';

const USER = 12345;

/** Lets a user write to a folder that its mode lets a group write to. @returns false where the file system knows no lists */
export function grant(path: string): boolean {
  const setxattr = koffi
    .load(null)
    .func('int setxattr(const char *, const char *, const void *, size_t, int)');
  // Version, then tag 2, rights 2 and user 4 each (linux/posix_acl_xattr.h): owner, user, group, mask, others.
  const entries = [
    [0x01, 7, -1],
    [0x02, 7, USER],
    [0x04, 5, -1],
    [0x10, 7, -1],
    [0x20, 5, -1],
  ] as const;
  const value = Buffer.alloc(4 + 8 * entries.length);
  value.writeUInt32LE(2);
  for (const [index, [tag, rights, user]] of entries.entries()) {
    value.writeUInt16LE(tag, 4 + 8 * index);
    value.writeUInt16LE(rights, 6 + 8 * index);
    value.writeInt32LE(user, 8 + 8 * index);
  }
  return setxattr(path, 'system.posix_acl_access', value, value.length, 0) === 0;
}
