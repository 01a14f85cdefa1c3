/** What may speak against an export, each of which a user may override by its name. */

export const FINDINGS = [
  'mounted',
  'swap',
  'in-use',
  'exported',
  'container',
  'unasked',
  'address',
  'link',
] as const;

/**
 * mounted: a file system is mounted from it
 * swap: it is a swap area
 * in-use: something else has it: a program that may write, a lock, LVM, MD, btrfs, ZFS, a loop device
 * exported: an export has the same bytes
 * container: it holds the image of a disk, and is none
 * unasked: who uses it could not be found out
 * address: another station answers for the address
 * link: a link leads there from a folder that somebody else may write to
 */
export type FindingKind = (typeof FINDINGS)[number];

/** Those that speak against overwriting a file or disk, too. */
export const USES = [
  'mounted',
  'swap',
  'in-use',
  'exported',
  'unasked',
] as const satisfies readonly FindingKind[];
export type UseKind = (typeof USES)[number];

export interface Finding {
  kind: FindingKind;
  /** Without a subject where that is the file: "it is mounted on /srv". */
  text: string;
  /** What to do instead. */
  next?: readonly string[];
}
