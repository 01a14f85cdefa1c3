import { open } from 'node:fs/promises';

export type ArchiveFormat = 'tar' | 'gz' | 'bz2' | 'xz' | 'zst' | 'zip';

const MAGIC: readonly (readonly [ArchiveFormat, string])[] = [
  ['gz', '1f8b'],
  ['bz2', '425a68'],
  ['xz', 'fd377a585a00'],
  ['zst', '28b52ffd'],
  ['zip', '504b0304'],
  ['zip', '504b0506'],
];

const HEADER = 512;
const CHECKSUM = 148;

/**
 * What a file is by its first bytes, whatever its name says.
 * @throws Error that shows how it begins: mostly the page of a server that no longer has the file
 */
export async function detectFormat(path: string): Promise<ArchiveFormat> {
  const file = await open(path);
  try {
    const head = Buffer.alloc(HEADER);
    const { bytesRead } = await file.read(head, 0, HEADER, 0);
    const format = formatOf(head.subarray(0, bytesRead));
    if (format !== undefined) return format;
    const start = head.subarray(0, Math.min(bytesRead, 24)).toString('latin1');
    throw new Error(
      bytesRead === 0
        ? 'it is empty'
        : `it is no archive of a known kind (it begins with ${JSON.stringify(start)})`,
    );
  } finally {
    await file.close();
  }
}

export function formatOf(head: Buffer): ArchiveFormat | undefined {
  const hex = head.subarray(0, 8).toString('hex');
  const known = MAGIC.find(([, magic]) => hex.startsWith(magic));
  return known?.[0] ?? (isTarHeader(head) ? 'tar' : undefined);
}

/** POSIX tar: the octal checksum at 148 is the sum of all bytes of the header, its own 8 counted as blanks. */
function isTarHeader(head: Buffer): boolean {
  if (head.length < HEADER) return false;
  const noted = Number.parseInt(head.toString('latin1', CHECKSUM, CHECKSUM + 8).trim(), 8);
  let sum = 0;
  for (const [index, byte] of head.entries()) {
    sum += index >= CHECKSUM && index < CHECKSUM + 8 ? 0x20 : byte;
  }
  return sum === noted;
}
