import { mkdir, rm, stat } from 'node:fs/promises';
import { LabError, MissingError } from '../../base/errors.js';
import { Budget, LIMITS, type Limits } from '../store/limits.js';
import { decompressed } from './decompress.js';
import { EntryError } from './entry.js';
import { detectFormat } from './format.js';
import { TreeWriter } from './tree-writer.js';
import { unpackTar } from './unpack-tar.js';
import { unpackZip } from './unpack-zip.js';

/** An archive that was refused; nothing of it is left. */
export class ArchiveError extends LabError {
  /** The entry that is at fault, if it is one. */
  readonly entry: string | undefined;

  constructor(name: string, entry: string | undefined, reason: string, cause: unknown) {
    super({
      tried: `unpacking ${name}`,
      happened: entry === undefined ? reason : `${JSON.stringify(entry)} is refused: ${reason}`,
      next: 'take the archive from another place, or unpack it yourself, look at it, and pass the folder by --source',
      cause,
    });
    this.entry = entry;
  }
}

/**
 * Unpacks an untrusted archive: tar (plain, gz, bz2, xz, zst) or zip, by content and not by name.
 * @param folder made by this function
 * @param name how messages call the archive
 * @throws ArchiveError if it is damaged, hostile or too large; MissingError if a decompressor is not installed
 */
export async function unpack(
  archive: string,
  folder: string,
  name: string,
  limits: Limits = LIMITS,
): Promise<void> {
  await mkdir(folder);
  try {
    const { size } = await stat(archive);
    const format = await detectFormat(archive);
    const writer = new TreeWriter(folder, size, limits);
    if (format === 'zip') await unpackZip(archive, writer);
    else await unpackTar(decompressed(archive, format, new Budget(size, limits)), writer);
    await writer.finish();
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    if (error instanceof MissingError) throw error;
    throw new ArchiveError(
      name,
      error instanceof EntryError ? error.entry : undefined,
      (error as Error).message,
      error,
    );
  }
}
