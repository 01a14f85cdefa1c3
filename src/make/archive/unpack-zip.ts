import type { Entry, ZipFile } from 'yauzl';
import { EntryError } from './entry.js';
import type { TreeWriter } from './tree-writer.js';

/** File types of Unix in the upper half of a zip entry's external attributes (APPNOTE 4.4.15, Info-ZIP). */
const TYPE = 0o170000;
const FOLDER = 0o040000;
const FILE = 0o100000;
const LINK = 0o120000;
const MADE_BY_UNIX = 3;
const LINK_BYTES = 4096;

/** Feeds the entries of a zip file to the writer; the first thing that is wrong with it refuses it all. */
export async function unpackZip(path: string, writer: TreeWriter): Promise<void> {
  const { openPromise } = await import('yauzl');
  const zip = await openPromise(path, { autoClose: false });
  let last = '';
  try {
    for await (const entry of zip.eachEntry()) {
      last = entry.fileName;
      await take(zip, entry, writer);
    }
  } catch (error) {
    throw wordsOf(error, last);
  } finally {
    zip.close();
  }
}

async function take(zip: ZipFile, entry: Entry, writer: TreeWriter): Promise<void> {
  const { fileName: name } = entry;
  const mode = entry.versionMadeBy >> 8 === MADE_BY_UNIX ? entry.externalFileAttributes >>> 16 : 0;
  const type = mode & TYPE;
  if (name.endsWith('/') || type === FOLDER) {
    await writer.folder(name);
    return;
  }
  if (type !== 0 && type !== FILE && type !== LINK)
    throw new EntryError(name, 'it is a device, pipe or socket');
  if (entry.isEncrypted()) throw new EntryError(name, 'it is encrypted');
  if (type === LINK && entry.uncompressedSize > LINK_BYTES)
    throw new EntryError(name, 'it is a link without a proper target');
  const content = await zip.openReadStreamPromise(entry);
  // yauzl tells what is damaged as soon as it sees it: before anybody reads, that would end the process.
  content.on('error', (error: Error) => content.destroy(error));
  if (type === LINK) {
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(chunk as Buffer);
    await writer.link(name, Buffer.concat(chunks).toString());
    return;
  }
  await writer.file(name, { executable: (mode & 0o111) !== 0, mtime: entry.getLastModDate() }, content);
}

/** yauzl refuses some names before we see them; said in the words that we have for a tar's. */
function wordsOf(error: unknown, last: string): unknown {
  if (!(error instanceof Error) || error instanceof EntryError) return error;
  const name = /^(?:absolute path|invalid relative path): (.*)$/s.exec(error.message)?.[1];
  if (name === undefined) return last === '' ? error : new EntryError(last, error.message);
  return new EntryError(
    name,
    error.message.startsWith('absolute') ? 'its path is absolute' : 'its path climbs out by ".."',
  );
}
