import { copyFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { unpack } from '../../archive/unpack.js';
import { download } from '../../http/download.js';
import { putArchive } from '../../store/archives.js';
import {
  type ArchiveFacts,
  type ArchivePins,
  archiveFacts,
  brokenPin,
  DigestError,
} from '../../store/pins.js';
import type { Fetched, LocationOptions } from './fetched.js';

/** An archive over HTTP. */
export async function fetchByHttp(
  url: string,
  pins: ArchivePins,
  options: LocationOptions,
): Promise<Fetched> {
  const { limits, signal, onEvent } = options;
  let fetched: Fetched | undefined;
  await download(url, {
    pins,
    limits,
    signal,
    onEvent,
    use: async (file) => {
      fetched = await fetchFromFile(file, nameOf(url), pins, { ...options, move: true });
    },
  });
  return fetched as Fetched;
}

/**
 * An archive that is a file here: checked, unpacked, put into the store.
 * @param options.move the file is ours, and in the store's file system
 * @throws DigestError if it breaks a pin, ArchiveError if it can't be unpacked: then it is not stored
 */
export async function fetchFromFile(
  file: string,
  name: string,
  pins: ArchivePins,
  options: LocationOptions & { move: boolean },
): Promise<Fetched> {
  const { work, location, move, onEvent } = options;
  const own = move ? file : join(work, 'archive');
  if (!move) await copyFile(file, own);
  const facts = await archiveFacts(own, name);
  onEvent({ kind: 'arrived', location, sha256: facts.sha256, size: facts.size });
  const fault = brokenPin(facts, pins);
  if (fault !== undefined) {
    throw new DigestError({ tried: `checking ${name} from ${location}`, happened: fault });
  }
  const fetched = await unpackArchive(own, facts, options);
  await putArchive(own, facts.sha256);
  return fetched;
}

/** @param path an archive whose digests were just looked at */
export async function unpackArchive(
  path: string,
  facts: ArchiveFacts,
  options: LocationOptions,
): Promise<Fetched> {
  const folder = join(options.work, 'unpacked');
  await unpack(path, folder, facts.name, options.limits);
  return { folder, location: options.location, archive: facts };
}

function nameOf(url: string): string {
  return basename(new URL(url).pathname) || 'archive';
}
