/** What the names in an untrusted archive may look like. No I/O. */
import { posix } from 'node:path';

const NAME_BYTES = 255;
const PATH_BYTES = 4000;
/** Symbolic links followed at most, as the kernel does. */
const HOPS = 40;

/** An archive that is refused as a whole for one entry; the message is the reason alone. */
export class EntryError extends Error {
  readonly entry: string;

  constructor(entry: string, reason: string) {
    super(reason);
    this.entry = entry;
  }
}

/**
 * The parts of an entry's path; empty for the archive's own root (`./`).
 * @throws EntryError if it is absolute, climbs by "..", or has control characters or a length that no source has
 */
export function partsOf(name: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(name)) throw new EntryError(name, 'its name holds control characters');
  if (name.startsWith('/')) throw new EntryError(name, 'its path is absolute');
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new EntryError(name, 'its path climbs out by ".."');
  if (Buffer.byteLength(name) > PATH_BYTES || parts.some((part) => Buffer.byteLength(part) > NAME_BYTES)) {
    throw new EntryError(name, 'its name is too long');
  }
  return parts;
}

/**
 * Follows a symbolic link through all links of the tree, as the kernel would. A target that is missing is fine, one
 * outside is not.
 * @param links paths of all symbolic links with their targets
 * @returns why the link is refused, or undefined
 */
export function linkFault(path: string, links: ReadonlyMap<string, string>): string | undefined {
  const target = links.get(path) ?? '';
  const pending = splitTarget(target);
  if (pending === undefined) return `it is a link to the absolute path ${target}`;
  const at = posix
    .dirname(path)
    .split('/')
    .filter((part) => part !== '.');
  for (let hops = 1; pending.length > 0; ) {
    const part = pending.shift() as string;
    if (part === '..') {
      if (at.pop() === undefined) return `it is a link that leads out of the tree (${target})`;
      continue;
    }
    at.push(part);
    const next = links.get(at.join('/'));
    if (next === undefined) continue;
    if (hops++ === HOPS) return `it is a link that leads through more than ${HOPS} links`;
    at.pop();
    const further = splitTarget(next);
    if (further === undefined) return `it is a link that leads out of the tree (through ${next})`;
    pending.unshift(...further);
  }
  return undefined;
}

function splitTarget(target: string): string[] | undefined {
  return target.startsWith('/') ? undefined : target.split('/').filter((part) => part !== '' && part !== '.');
}
