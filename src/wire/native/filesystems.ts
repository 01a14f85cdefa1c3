/** Kinds of file systems by the numbers that statfs(2) tells (linux/magic.h, and the headers of those outside of the kernel). */
const REMOTE = new Map([
  [0x65735546, 'FUSE'],
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x517b, 'SMB'],
  [0x00c36400, 'Ceph'],
  [0x01021997, '9P'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x73757245, 'Coda'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
  [0x0bd00bd0, 'Lustre'],
  [0x19830326, 'BeeGFS'],
  [0x47504653, 'GPFS'],
  [0x786f4256, 'vboxsf'],
]);

const LOCAL = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
  [0x73717368, 'squashfs'],
  [0xe0f5e1e2, 'EROFS'],
  [0x9660, 'ISO 9660'],
  [0x794c7630, 'overlayfs'],
  [0x4d44, 'FAT'],
  [0x2011bab0, 'exFAT'],
  [0xf15f, 'eCryptfs'],
]);

/** Whether another machine or process has to answer for a file system, and so may stay silent. @param type of statfs(2) */
export function isRemote(type: number): boolean {
  return REMOTE.has(type >>> 0);
}

/** For messages: "ramfs", or that it is the file system. */
export function filesystemName(type: number): string {
  const number = type >>> 0;
  return LOCAL.get(number) ?? REMOTE.get(number) ?? `its file system (type 0x${number.toString(16)})`;
}
