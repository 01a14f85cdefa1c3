/** Who uses a file or device besides us, by everything that a host can be asked. No I/O. */
import type { Finding } from './findings.js';
import { blockExtent, type Extent, fileExtent, overlaps, rootOf } from './regions.js';
import {
  type BlockFacts,
  blockOf,
  byNumber,
  type NameFacts,
  type StorageSnapshot,
  sameFile,
} from './snapshot.js';

/** An export, as far as it matters to others of the same bytes. */
export interface Claim {
  /** `e0.1@eth0` */
  id: string;
  extent: Extent;
  readOnly: boolean;
}

/** The stretch of what a name means that an export of `from` to `to` bytes serves; undefined where nothing is. */
export function extentOf(
  snapshot: StorageSnapshot,
  { node }: NameFacts,
  from: number,
  to: number,
): Extent | undefined {
  if (node?.kind === 'file') return fileExtent(node.id, from, to);
  const block = blockOf(snapshot, node);
  return block === undefined ? undefined : blockExtent(snapshot, block, from, Math.min(to, block.size));
}

/**
 * @param ours processes that serve exports of ours: what they have open is theirs to tell as exports
 * @param ourLoops loop devices that exports of ours have attached, by kernel name
 */
export function usersOf(
  snapshot: StorageSnapshot,
  name: NameFacts,
  extent: Extent,
  ours: ReadonlySet<number>,
  ourLoops: ReadonlySet<string>,
): Finding[] {
  const { node } = name;
  const found: Finding[] = [];
  const touched = [...snapshot.blocks.values()].filter(
    (block) => !ourLoops.has(block.name) && overlaps(blockExtent(snapshot, block), extent),
  );
  for (const block of touched) {
    found.push(...mountsOf(snapshot, block), ...swapsOn(snapshot, block));
    const layer = layerOn(snapshot, block, touched);
    if (layer !== undefined) found.push(layer);
  }
  const self = blockOf(snapshot, node);
  if (node?.kind === 'file') {
    for (const { loop, name: device } of touched) {
      if (sameFile(loop?.id, node.id))
        found.push({ kind: 'in-use', text: `it is attached as /dev/${device}` });
    }
  }
  const files = filesOf(extent);
  const swaps = snapshot.swaps.flatMap((swap) => (swap.node?.kind === 'file' ? [swap.node.id] : []));
  for (const file of files) {
    if (swaps.some((id) => rootOf(id) === file))
      found.push({ kind: 'swap', text: `${called(node, file)} is in use as swap` });
  }
  if (self !== undefined && found.length === 0) found.push(...exclusively(snapshot, self));
  found.push(...lockers(snapshot, name, files, ours), ...writers(snapshot, name, files, touched, ours));
  return found;
}

function mountsOf({ mounts }: StorageSnapshot, block: BlockFacts): Finding[] {
  const mapped = block.facts['dm/name'];
  const names = [`/dev/${block.name}`, ...(mapped === undefined ? [] : [`/dev/mapper/${mapped}`])];
  const places = new Set(
    mounts
      .filter(({ number, source }) => number === block.number || names.includes(source))
      .map(({ place }) => place),
  );
  const list = [...places];
  const more = list.length > 3 ? ` and ${list.length - 3} more` : '';
  return list.length === 0
    ? []
    : [{ kind: 'mounted', text: `/dev/${block.name} is mounted on ${list.slice(0, 3).join(', ')}${more}` }];
}

function swapsOn(snapshot: StorageSnapshot, block: BlockFacts): Finding[] {
  return snapshot.swaps.some(({ node }) => node?.kind === 'block' && node.number === block.number)
    ? [{ kind: 'swap', text: `/dev/${block.name} is in use as swap` }]
    : [];
}

/** LVM, MD, crypt and the like on a device. */
function layerOn(
  snapshot: StorageSnapshot,
  block: BlockFacts,
  touched: readonly BlockFacts[],
): Finding | undefined {
  const lower = block.slaves.find((slave) => touched.some(({ name }) => name === slave));
  if (lower === undefined) return undefined;
  const name = snapshot.blocks.get(block.name)?.facts['dm/name'];
  const what = name === undefined ? `/dev/${block.name}` : `/dev/mapper/${name}`;
  return { kind: 'in-use', text: `${what} lies on /dev/${lower}` };
}

/** What neither mounts nor layers tell: btrfs' further disks, ZFS, DRBD, bcache, a program with O_EXCL. */
function exclusively({ held }: StorageSnapshot, block: BlockFacts): Finding[] {
  if (held === undefined) {
    const text = `whether the kernel holds /dev/${block.name} could not be asked`;
    return [{ kind: 'unasked', text, next: ['install perl or python3 there: they ask for it'] }];
  }
  if (!held.has(block.name)) return [];
  const text = `the kernel, or a program, holds /dev/${block.name} exclusively (btrfs, ZFS, MD, DRBD, multipath …)`;
  return [{ kind: 'in-use', text }];
}

/** Files whose bytes these are: itself, or what lies behind loop devices. */
function filesOf({ own, below }: Extent): string[] {
  const roots = [...own, ...below].map(({ root }) => root);
  return [...new Set(roots.filter((root) => root.startsWith('file ')))];
}

function called(node: NameFacts['node'], file: string): string {
  return node?.kind === 'file' && rootOf(node.id) === file ? 'it' : 'the file behind it';
}

function lockers(
  { locks }: StorageSnapshot,
  { node }: NameFacts,
  files: readonly string[],
  ours: ReadonlySet<number>,
): Finding[] {
  return files.flatMap((file) => {
    const own = locks.filter(({ id, pid }) => rootOf(id) === file && !ours.has(pid));
    const pids = [...new Set(own.map(({ pid }) => pid))];
    return pids.map((pid): Finding => {
      const who = pid < 0 ? 'a program' : `process ${pid}`;
      const like = pid < 0 ? ', as QEMU locks images' : '';
      return { kind: 'in-use', text: `${who} has locked ${called(node, file)}${like}` };
    });
  });
}

function writers(
  snapshot: StorageSnapshot,
  { node }: NameFacts,
  files: readonly string[],
  touched: readonly BlockFacts[],
  ours: ReadonlySet<number>,
): Finding[] {
  const found = new Set<string>();
  for (const { id, number, pid } of snapshot.writers) {
    if (ours.has(pid)) continue;
    const file = number === undefined ? rootOf(id) : undefined;
    const block = number === undefined ? undefined : byNumber(snapshot, number);
    const what =
      file !== undefined && files.includes(file)
        ? called(node, file)
        : block !== undefined && touched.includes(block)
          ? 'it'
          : undefined;
    if (what !== undefined) found.add(`process ${pid} has ${what} open for writing`);
  }
  return [...found].map((text) => ({ kind: 'in-use', text }));
}

/** Exports of the same bytes, unless nobody writes. */
export function sharers(extent: Extent, readOnly: boolean, claims: readonly Claim[]): Finding[] {
  const ids = claims
    .filter((claim) => !(claim.readOnly && readOnly) && overlaps(claim.extent, extent))
    .map(({ id }) => id);
  return [...new Set(ids)].map((id) => ({ kind: 'exported', text: `it is exported as ${id}` }));
}
