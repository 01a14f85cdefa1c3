/** Reads what the script of survey.ts prints. No I/O. */

import { posix } from 'node:path';
import { parseAcl } from '../../base/files/acl.js';
import { isMapped, type Step, type User } from '../../base/files/trust.js';
import { deviceNumber, TELLING } from '../../base/identity.js';
import { SECTOR } from '../../wire/aoe/index.js';
import type { BlockFacts, Lock, Mount, NameFacts, NodeFacts, StorageSnapshot, Writer } from './snapshot.js';

export function parseSurvey(text: string, names: readonly string[]): StorageSnapshot {
  const sections = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    if (/^@[a-z]+( \d+)?$/.test(line)) {
      lines = [];
      sections.set(line.slice(1), lines);
    } else lines.push(line);
  }
  const section = (name: string): string[] => sections.get(name) ?? [];
  const blocks = parseBlocks(section('blocks'), section('loops'));
  const [ways, rooms] = [parseWays(section('ways')), parseRooms(section('rooms'))];
  return {
    user: parseUser(section('user')),
    bootId: section('boot')[0] ?? '',
    // "uninitialized" stands there until the first boot is over.
    machineId: section('machine').find((line) => line !== '' && line !== 'uninitialized') ?? '',
    names: new Map(
      names.map((name, index) => [name, parseName(name, section(`name ${index}`), ways, rooms)]),
    ),
    behind: [],
    blocks,
    mounts: section('mounts').flatMap(parseMount),
    swaps: parseSwaps(section('swaps')),
    locks: parseLocks(section('locks'), section('lockers')),
    writers: section('writers').flatMap(parseWriter),
    links: parseLinks(section('links'), blocks),
    held: new Set(),
  };
}

/** `%a %S %i %T %n` of stat(1) -f; a type that it does not know has blanks. */
function parseRooms(lines: readonly string[]): Map<string, NameFacts['room']> {
  return new Map(
    lines.flatMap((line) => {
      const [, free, unit, id, type, path] = /^(\d+) (\d+) (\S+) (.+?) (\/.*)$/.exec(line) ?? [];
      if (id === undefined || type === undefined || path === undefined) return [];
      return [[path, { free: Number(free) * Number(unit), unit: Number(unit), id, type }] as const];
    }),
  );
}

function parseName(
  name: string,
  lines: readonly string[],
  ways: ReadonlyMap<string, Step>,
  rooms: ReadonlyMap<string, NameFacts['room']>,
): NameFacts {
  const all = (word: string): string[] =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const after = (word: string): string | undefined => all(word)[0];
  const said = after('node') ?? '';
  const node = parseNode(said);
  // In what is no folder nothing can lie.
  const isNothing = node !== undefined || /No such file or directory|Not a directory/.test(said);
  const trouble = isNothing
    ? undefined
    : said.replace(/^stat: /, '') || 'the host did not tell what is there';
  const folder = after('folder');
  return {
    name,
    node,
    trouble,
    broken: lines.includes('broken'),
    hops: all('hop'),
    way: all('step').flatMap((path) => ways.get(path) ?? []),
    readable: lines.includes('readable'),
    writable: lines.includes('writable'),
    folder: {
      exists: folder !== undefined,
      path: folder ?? posix.dirname(name),
      writable: lines.includes('folder-writable'),
    },
    room: rooms.get(after('on') ?? ''),
    head: Buffer.from(after('head') ?? '', 'hex'),
    tail: Buffer.from(after('tail') ?? '', 'hex'),
  };
}

/** `%f %u %g %n` of stat(1), and access lists of those that a group may write to. */
function parseWays(lines: readonly string[]): Map<string, Step> {
  const steps = new Map<string, Step>();
  for (const line of lines) {
    const [, mode, uid, gid, path] = /^([0-9a-f]+) (\d+) (\d+) (\/.*)$/.exec(line) ?? [];
    if (mode !== undefined && path !== undefined)
      steps.set(path, { path, mode: Number.parseInt(mode, 16), uid: Number(uid), gid: Number(gid) });
    const [, word, at] = /^acl (\w+) (\/.*)$/.exec(line) ?? [];
    const [acl, step] = [parseAcl(word), steps.get(at ?? '')];
    if (acl !== undefined && step !== undefined) steps.set(step.path, { ...step, acl });
  }
  return steps;
}

/** The effective user and group, then /proc/self/uid_map. */
function parseUser([uid, gid, ...map]: readonly string[]): User {
  return { uid: Number(uid ?? 0), gid: Number(gid ?? 0), isMapped: isMapped(map) };
}

/** `%f %d %i %W %s %b %u %t %T` of stat(1); numbers of devices as `stat.st_rdev` packs them. */
export function parseNode(text: string): NodeFacts | undefined {
  const match = /^([0-9a-f]+) (\d+) (\d+) (\S+) (\d+) (\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+)/.exec(text);
  if (match === null) return undefined;
  const [, mode, dev, inode, birth, size, blocks, uid, major, minor] = match as unknown as string[];
  return {
    kind: kindOf(Number.parseInt(mode as string, 16) & 0o170000),
    id: { dev: deviceNumber(BigInt(dev as string)), inode: inode as string, birth: Number(birth) || null },
    size: Number(size),
    blocks: Number(blocks),
    uid: Number(uid),
    number: `${Number.parseInt(major as string, 16)}:${Number.parseInt(minor as string, 16)}`,
  };
}

function kindOf(type: number): NodeFacts['kind'] {
  if (type === 0o100000) return 'file';
  if (type === 0o040000) return 'folder';
  if (type === 0o060000) return 'block';
  return type === 0o120000 ? 'link' : 'other';
}

function parseBlocks(lines: readonly string[], loops: readonly string[]): Map<string, BlockFacts> {
  const values = new Map<string, Map<string, string>>();
  const parents = new Map<string, string>();
  const slaves = new Map<string, string[]>();
  for (const line of lines) {
    const place = / ([^ /]+) -> (\S+)$/.exec(line);
    const slave = /^([^/]+)\/slaves\/([^/]+)$/.exec(line);
    const value = /^([^/]+)\/([^:]+):(.*)$/.exec(line);
    if (slave !== null) {
      const [, name, below] = slave as unknown as [string, string, string];
      slaves.set(name, [...(slaves.get(name) ?? []), below]);
    } else if (value !== null) {
      const [, name, field, text] = value as unknown as [string, string, string, string];
      values.set(name, (values.get(name) ?? new Map()).set(field, text.trim()));
    } else if (place !== null) {
      const [, name, path] = place as unknown as [string, string, string];
      parents.set(name, posix.basename(posix.dirname(path)));
    }
  }
  const backings = parseLoops(loops);
  const blocks = new Map<string, BlockFacts>();
  for (const [name, fields] of values) {
    const get = (field: string): string | undefined => fields.get(field) || undefined;
    const number = get('dev');
    if (number === undefined) continue;
    const file = get('loop/backing_file');
    const start = get('start');
    const disk = parents.get(name);
    blocks.set(name, {
      name,
      number,
      size: Number(get('size') ?? 0) * SECTOR,
      readOnly: get('ro') === '1',
      sectorSize: Number(get('queue/logical_block_size') ?? SECTOR),
      ...(start === undefined || disk === undefined
        ? {}
        : { partition: { disk, start: Number(start) * SECTOR } }),
      slaves: slaves.get(name) ?? [],
      ...(file === undefined
        ? {}
        : {
            loop: {
              file,
              id: backings.get(name),
              start: Number(get('loop/offset') ?? 0),
              limit: Number(get('loop/sizelimit') ?? 0),
            },
          }),
      facts: Object.fromEntries(
        TELLING.flatMap((field) => {
          const text = get(field);
          return text === undefined ? [] : [[field, text]];
        }),
      ),
    });
  }
  // A partition's sectors are its disk's.
  for (const block of blocks.values()) {
    const disk = block.partition && blocks.get(block.partition.disk);
    if (disk !== undefined) block.sectorSize = disk.sectorSize;
  }
  return blocks;
}

/** Device, inode and file system of each; see templates/loops.sh. */
function parseLoops(lines: readonly string[]): Map<string, { dev: string; inode: string }> {
  return new Map(
    lines.flatMap((line) => {
      const match = /^\/dev\/(loop\d+) (\d+) (\d+:\d+)$/.exec(line);
      if (match === null) return [];
      const [, name, inode, dev] = match as unknown as [string, string, string, string];
      return [[name, { dev, inode }] as const];
    }),
  );
}

/** `lrwxrwxrwx 1 root root 9 DATE /dev/disk/by-id/x -> ../../sda` of ls(1). */
function parseLinks(lines: readonly string[], blocks: ReadonlyMap<string, BlockFacts>): Map<string, string> {
  const direct = new Map<string, string>();
  for (const line of lines) {
    const match = / (\/dev\/.*?) -> (.*)$/.exec(line);
    if (match === null) continue;
    const [, name, text] = match as unknown as [string, string, string];
    direct.set(name, posix.resolve(posix.dirname(name), text));
  }
  const found = new Map<string, string>();
  for (const name of direct.keys()) {
    let end = name;
    for (let hop = 0; hop < 40 && direct.has(end); hop++) end = direct.get(end) as string;
    const kernel = posix.basename(end).replaceAll('/', '!');
    if (posix.dirname(end) === '/dev' && blocks.has(kernel)) found.set(name, kernel);
  }
  return found;
}

/** proc(5), /proc/PID/mountinfo; blanks and the like are octal there. */
function parseMount(line: string): Mount[] {
  const [before, after] = line.split(' - ');
  const [, , number, , place] = (before ?? '').split(' ');
  const source = (after ?? '').split(' ')[1];
  if (number === undefined || place === undefined || source === undefined) return [];
  return [{ number, source: unescaped(source), place: unescaped(place) }];
}

function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

function parseSwaps(lines: readonly string[]): StorageSnapshot['swaps'] {
  return lines.flatMap((line, index) => {
    if (!line.startsWith('swap ')) return [];
    return [{ name: unescaped(line.slice(5)), node: parseNode((lines[index + 1] ?? '').slice(5)) }];
  });
}

/**
 * Locks of those who have the very file open (/proc/PID/fdinfo), and those that the kernel tells of besides (/proc/locks).
 * It tells a file by its superblock there, which on btrfs, overlayfs and the like is another number than stat(2) has; and
 * as the process the one that locked it, which may have ended, or (OFD locks) nobody.
 */
function parseLocks(lines: readonly string[], lockers: readonly string[]): Lock[] {
  const known = new Set(lockers.map((line) => wordsOfLock(line.replace(/^.* lock:/, ''))));
  return [
    ...lockers.flatMap(parseLocker),
    ...lines.filter((line) => !known.has(wordsOfLock(line))).flatMap(parseLock),
  ];
}

/** Without its place in a list, which differs between lists. */
function wordsOfLock(line: string): string {
  return line.trim().replace(/^\d+: /, '');
}

function parseLocker(line: string): Lock[] {
  const node = parseNode(line);
  const [, pid, kind] = / \/proc\/(\d+)\/fd\/\d+ lock:\s+\d+: (?:-> )?(\S+) /.exec(line) ?? [];
  if (node === undefined || pid === undefined || kind === undefined) return [];
  return [{ pid: Number(pid), kind, id: node.id }];
}

/** proc(5), /proc/locks: `1: OFDLCK ADVISORY  WRITE -1 fd:00:1234 0 EOF`; numbers of devices are hexadecimal. */
function parseLock(line: string): Lock[] {
  const match = /^\d+: (?:-> )?(\S+)\s+\S+\s+\S+\s+(-?\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) /.exec(line);
  if (match === null) return [];
  const [, kind, pid, major, minor, inode] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const dev = `${Number.parseInt(major, 16)}:${Number.parseInt(minor, 16)}`;
  return [{ pid: Number(pid), kind, id: { dev, inode } }];
}

function parseWriter(line: string): Writer[] {
  const node = parseNode(line);
  const pid = / \/proc\/(\d+)\/fd\/\d+$/.exec(line)?.[1];
  if (node === undefined || pid === undefined) return [];
  const { id, kind, number } = node;
  return [{ pid: Number(pid), id, number: kind === 'block' ? number : undefined }];
}
