/** What is to be exported, judged by what a host says of it; and what stands against it whoever asks. No I/O. */

import { posix } from 'node:path';
import { UsageError } from '../../base/errors.js';
import { isLink, isOpenToRoot, type Weakness, weaknesses } from '../../base/files/trust.js';
import { formatSize } from '../../base/units.js';
import { SECTOR } from '../../wire/aoe/index.js';
import { containerIn } from './contents.js';
import { largestFile } from './file-size.js';
import type { Finding } from './findings.js';
import { type Identity, identityOf, isMoving, stableName } from './identity.js';
import { SILENT } from './silent.js';
import { type BlockFacts, blockOf, type NameFacts, type StorageSnapshot } from './snapshot.js';

/**
 * none: the name is no link
 * own: it is one, in folders that nobody else may write to
 * any: a link in a folder of somebody else's leads there
 */
export type Links = 'none' | 'own' | 'any';

export interface Backing {
  /** As the user typed it, absolute; links are not resolved. */
  name: string;
  /** What that means: absolute, links resolved. */
  path: string;
  /** A name that stays with what is meant now, links unresolved; undefined of a disk that has only a number that moves. */
  opens: string | undefined;
  /** The name is such a number (`/dev/sdb`): it may mean another disk after a reboot. */
  moving: boolean;
  kind: 'file' | 'device';
  /** Bytes; of a file that is not there yet, what it will have. */
  size: number;
  links: Links;
  /** Somebody else may put another file, or a link, in its place. */
  exposed: boolean;
  /** Root may open it only against the modes on the way. */
  closed: boolean;
  /** Whether the file is still to be made. */
  absent: boolean;
  /** Undefined of a file that is not there yet. */
  identity: Identity | undefined;
}

/** What of a spec matters to its file. */
export interface BackingSpec {
  /** Bytes that a missing file is to get; an existing one must have it. */
  size?: number | undefined;
  readOnly?: boolean | undefined;
  /** Sectors. */
  offset?: number | undefined;
  /** Sectors. */
  length?: number | undefined;
  /** How the user gives it: `--read-only`, or in a lab's file `readOnly: true`. */
  called?: (option: 'readOnly' | 'length' | 'size' | 'directIo') => string;
}

export interface Judgement {
  backing: Backing;
  /** What may be overridden. */
  findings: Finding[];
  /** What is told, and stands in nobody's way. */
  warnings: string[];
}

/** Absolute, without `..` and double slashes; links stay. */
export function plainName(name: string): string {
  const plain = posix.normalize(name);
  return plain.length > 1 && plain.endsWith('/') ? plain.slice(0, -1) : plain;
}

/**
 * @param name see `plainName`; the snapshot has been asked about it
 * @throws UsageError if it can't be exported at all: with the reason, and the way out where there is one
 */
export function judgeBacking(snapshot: StorageSnapshot, name: string, spec: BackingSpec): Judgement {
  const facts = snapshot.names.get(name);
  if (facts === undefined) throw new TypeError(`${name} was not asked about`);
  const judgement = judgeNamed(snapshot, facts, spec);
  return exposed(snapshot, facts, judgement);
}

/** A link of somebody else's is a finding, a file that somebody else may exchange is told. */
function exposed({ user }: StorageSnapshot, facts: NameFacts, judgement: Judgement): Judgement {
  const { absent, path } = judgement.backing;
  // One that is to be made will be the user's own.
  const made = { path, mode: 0o100600, uid: user.uid, gid: user.gid };
  const weak = weaknesses(absent ? [...facts.way, made] : facts.way, user);
  const link = weak.find(({ step }) => isLink(step));
  const backing: Backing = {
    ...judgement.backing,
    links: link !== undefined ? 'any' : facts.hops.length > 1 ? 'own' : 'none',
    exposed: weak.length > 0,
    closed: !isOpenToRoot(facts.way),
  };
  const [first] = weak;
  if (first === undefined) return { ...judgement, backing };
  if (link !== undefined) {
    const finding: Finding = {
      kind: 'link',
      text: linkText(link),
      next: [`name the file itself: ${backing.path}`],
    };
    return { ...judgement, backing, findings: [...judgement.findings, finding] };
  }
  const warning = `${first.who} may write to ${first.folder}, and so exchange ${facts.name}: take a folder that nobody else may write to`;
  return { ...judgement, backing, warnings: [...judgement.warnings, warning] };
}

/** Why a link is not followed. */
export function linkText({ step, folder, who }: Weakness): string {
  return `${step.path} is a link, and ${who} may write to ${folder}: it may lead elsewhere at any time`;
}

function judgeNamed(snapshot: StorageSnapshot, facts: NameFacts, spec: BackingSpec): Judgement {
  const { name, node, trouble } = facts;
  const refuse = refusal(name);
  if (facts.broken) {
    refuse('its name, or that of a link or folder on the way, holds a line break', 'give it another name');
  }
  if (trouble !== undefined) {
    const next =
      trouble === SILENT
        ? 'bring its server or disk back, or unmount it'
        : 'run the command as a user who may look there, such as root';
    refuse(trouble, next);
  }
  if (node === undefined) return absentFile(facts, spec, refuse);
  if (!facts.readable) refuse('it may not be read by this user', 'run the command as root');
  const block = blockOf(snapshot, node);
  if (block !== undefined) return device(snapshot, facts, block, spec, refuse);
  if (node.kind === 'block') refuse('no disk belongs to this device node', 'name the disk by another path');
  if (node.kind !== 'file')
    refuse('it is neither a file nor a block device', 'name a file or a block device');
  return existingFile(snapshot, facts, spec, refuse);
}

/** Until the way there is judged. */
const UNEXPOSED = { links: 'none', exposed: false, closed: true } as const;

type Refuse = (happened: string, next: string | readonly string[]) => never;

function refusal(name: string): Refuse {
  return (happened, next) => {
    throw new UsageError({ tried: `looking at ${name}`, happened, next });
  };
}

function called(spec: BackingSpec, option: 'readOnly' | 'length' | 'size' | 'directIo'): string {
  const flags = { readOnly: '--read-only', length: '--length', size: '--size', directIo: '--direct-io' };
  return spec.called?.(option) ?? flags[option];
}

function absentFile(facts: NameFacts, spec: BackingSpec, refuse: Refuse): Judgement {
  const { name, folder, room, hops } = facts;
  // A link that leads nowhere: a file would be made wherever it points.
  if (hops.length > 1) {
    refuse(
      `it is a link to ${hops.at(-1)}, and nothing is there`,
      'repair or remove the link, or name the file itself',
    );
  }
  const path = posix.join(folder.path, posix.basename(name));
  if (path.startsWith('/dev/') || name.startsWith('/dev/')) {
    refuse(
      'there is no such device',
      'plug the disk in or name another one; a file below /dev is never made',
    );
  }
  if (/^\/(proc|sys)\//.test(path)) refuse('there is no such file', 'name a file or a block device');
  if (spec.size === undefined) {
    refuse('there is no such file', `give ${called(spec, 'size')} (such as 256M) to have it made`);
  }
  if (!folder.exists) refuse(`there is no folder ${posix.dirname(name)}`, 'make the folder first');
  if (!folder.writable) {
    refuse(
      `nothing can be made in ${folder.path}: it is read-only, or closed to this user`,
      'name a file in another folder',
    );
  }
  const { size } = spec;
  if (size < SECTOR || size % SECTOR !== 0) {
    refuse(
      `${size} bytes are not a whole number of ${SECTOR}-byte sectors`,
      `take a multiple of ${SECTOR}, such as ${Math.max(1, Math.ceil(size / SECTOR)) * SECTOR}`,
    );
  }
  const most = room && largestFile(room);
  if (most !== undefined && size > most) {
    refuse(
      `its file system (${room?.type}) holds files of up to ${formatSize(most)} (${most} bytes), and ${formatSize(size)} was asked for`,
      `take a smaller ${called(spec, 'size')}, or name a file on another file system`,
    );
  }
  requireSlice(size, spec, refuse);
  const backing = fileBacking(name, path, size, undefined);
  return { backing, findings: [], warnings: [] };
}

/** @param identity undefined of one that is still to be made */
function fileBacking(name: string, path: string, size: number, identity: Identity | undefined): Backing {
  return {
    name,
    path,
    opens: name,
    ...UNEXPOSED,
    moving: false,
    kind: 'file',
    size,
    absent: identity === undefined,
    identity,
  };
}

function existingFile(
  snapshot: StorageSnapshot,
  facts: NameFacts,
  spec: BackingSpec,
  refuse: Refuse,
): Judgement {
  const { name, node, head, tail } = facts;
  const size = node?.size ?? 0;
  if (spec.size !== undefined && size !== spec.size) {
    refuse(
      `it is there already, with ${formatSize(size)} (${size} bytes) rather than ${formatSize(spec.size)} (${spec.size} bytes)`,
      [`leave ${called(spec, 'size')} out to export it as it is`, 'or name another file'],
    );
  }
  if (size === 0) refuse('it is empty (0 bytes)', `give it a size first: truncate --size 256M ${name}`);
  if (!facts.writable && !spec.readOnly) {
    refuse(
      `it can't be written: it lies on a read-only file system, or is closed to this user`,
      `give ${called(spec, 'readOnly')} to export it for reading`,
    );
  }
  if (size % SECTOR !== 0 && spec.length === undefined) {
    const whole = Math.floor(size / SECTOR) - (spec.offset ?? 0);
    refuse(`its ${size} bytes are not a whole number of ${SECTOR}-byte sectors`, [
      ...(whole > 0 ? [`give ${called(spec, 'length')} ${whole} to export its whole sectors`] : []),
      `or fill it up with zeros: truncate --size %${SECTOR} ${name}`,
    ]);
  }
  requireSlice(size, spec, refuse);
  const backing = fileBacking(name, facts.hops.at(-1) ?? name, size, identityOf(snapshot, facts));
  return { backing, ...containerFindings(name, head, tail, spec) };
}

function device(
  snapshot: StorageSnapshot,
  facts: NameFacts,
  block: BlockFacts,
  spec: BackingSpec,
  refuse: Refuse,
): Judgement {
  const { name, head } = facts;
  if (spec.size !== undefined) {
    refuse('it is a block device, whose size is given', `leave ${called(spec, 'size')} out`);
  }
  if (block.size === 0) {
    refuse('it has no medium: 0 bytes', 'put a medium in, or attach a file to it, first');
  }
  if (!spec.readOnly && (block.readOnly || !facts.writable)) {
    refuse(
      block.readOnly ? 'the device is read-only' : "it can't be written by this user",
      `give ${called(spec, 'readOnly')} to export it for reading`,
    );
  }
  requireSlice(block.size, spec, refuse);
  const warnings: string[] = [];
  const moving = isMoving(snapshot, facts);
  const stable = moving ? stableName(snapshot, block) : undefined;
  if (moving) {
    warnings.push(
      stable === undefined
        ? `${name} may be another disk after a reboot, and this one has no name that stays: it is started only while it is the same`
        : `${name} may be another disk after a reboot: ${stable} is exported, which stays with this one`,
    );
  }
  const backing: Backing = {
    name,
    path: `/dev/${block.name.replaceAll('!', '/')}`,
    opens: moving ? stable : name,
    ...UNEXPOSED,
    moving,
    kind: 'device',
    size: block.size,
    absent: false,
    identity: identityOf(snapshot, facts),
  };
  const container = containerFindings(name, head, Buffer.alloc(0), spec);
  return { backing, findings: container.findings, warnings: [...warnings, ...container.warnings] };
}

function requireSlice(size: number, { offset = 0, length }: BackingSpec, refuse: Refuse): void {
  const sectors = Math.floor(size / SECTOR);
  const end = offset + (length ?? Math.max(0, sectors - offset));
  if (offset < sectors && end <= sectors) return;
  const wanted =
    length === undefined
      ? `sector ${offset} onwards was asked for`
      : `${length} sectors from sector ${offset} on were asked for, up to sector ${offset + length}`;
  const room = sectors - offset;
  refuse(
    `it has ${sectors} sectors, and ${wanted}`,
    room > 0 ? `take at most ${room} sectors from there` : `begin below sector ${sectors}`,
  );
}

function containerFindings(
  name: string,
  head: Buffer,
  tail: Buffer,
  { readOnly }: BackingSpec,
): { findings: Finding[]; warnings: string[] } {
  const container = containerIn(name, head, tail);
  if (container === undefined) return { findings: [], warnings: [] };
  const text = `it holds ${container.name}, and a target would serve that as it is: initiators see no disk in it`;
  return readOnly
    ? { findings: [], warnings: [`${name}: ${text}`, ...container.wayOut] }
    : { findings: [{ kind: 'container', text, next: container.wayOut }], warnings: [] };
}
