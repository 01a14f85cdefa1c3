import type { ReadEntry } from 'tar';
import { EntryError } from './entry.js';
import { formatOf } from './format.js';
import type { TreeWriter } from './tree-writer.js';

/** Feeds the entries of a tar stream to the writer; the first thing that is wrong with it refuses it all. */
export async function unpackTar(stream: AsyncIterable<Buffer>, writer: TreeWriter): Promise<void> {
  const { Parser } = await import('tar');
  const parser = new Parser({ strict: true });
  let current: ReadEntry | undefined;
  let work: Promise<void> = Promise.resolve();
  const failed = new Promise<never>((_, reject) => {
    parser.on('error', reject);
    parser.on('ignoredEntry', ({ path, type }: ReadEntry) => {
      reject(new EntryError(path, `it is of a kind that no source holds (${type})`));
    });
    parser.on('entry', (entry: ReadEntry) => {
      work = work.then(() => {
        current = entry;
        return take(entry, writer);
      });
      work.catch(reject);
    });
  });
  failed.catch(() => {});
  const ended = new Promise((resolve) => parser.on('end', resolve));
  try {
    let first = true;
    for await (const chunk of stream) {
      // The parser would unpack a second layer by itself, past our limits.
      if (first && ['gz', 'zst'].includes(formatOf(chunk) ?? '')) throw new Error('it is compressed twice');
      first = false;
      const flowing = parser.write(chunk);
      await Promise.race([
        failed,
        flowing ? undefined : new Promise((resolve) => parser.once('drain', resolve)),
      ]);
    }
    parser.end();
    await Promise.race([failed, ended]);
    await work;
  } catch (error) {
    // Nothing may still be writing when the caller removes the folder.
    current?.destroy(error);
    await work.catch(() => {});
    throw error;
  }
}

async function take(entry: ReadEntry, writer: TreeWriter): Promise<void> {
  const { path, type, linkpath = '', mode = 0, mtime } = entry;
  switch (type) {
    case 'File':
    case 'OldFile':
    case 'ContiguousFile':
      // Before POSIX a folder was a file whose name ends in a slash.
      if (path.endsWith('/')) break;
      await writer.file(path, { executable: (mode & 0o111) !== 0, mtime }, entry);
      return;
    case 'Directory':
    case 'GNUDumpDir':
      break;
    case 'SymbolicLink':
      await writer.link(path, linkpath);
      entry.resume();
      return;
    case 'Link':
      await writer.hardLink(path, linkpath);
      entry.resume();
      return;
    case 'CharacterDevice':
    case 'BlockDevice':
      throw new EntryError(path, 'it is a device');
    case 'FIFO':
      throw new EntryError(path, 'it is a named pipe');
    default:
      throw new EntryError(path, `it is of a kind that no source holds (${type})`);
  }
  await writer.folder(path);
  entry.resume();
}
