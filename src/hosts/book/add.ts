import { addToBook, type BookedHost, readBook, removeFromBook } from './book.js';
import { findHost } from './find.js';

/**
 * Puts a host in the book, and takes it out again, or puts the one back that had its name, if it can't be reached.
 * @param options acceptNew: as findHost takes it · unchecked: it need not be reached
 * @throws as addToBook and findHost
 */
export async function addHost(
  name: string,
  entry: BookedHost,
  { acceptNew, unchecked = false }: { acceptNew?: boolean | undefined; unchecked?: boolean | undefined },
): Promise<void> {
  const before = (await readBook()).get(name);
  await addToBook(name, entry);
  if (unchecked) return;
  try {
    await findHost(name, { acceptNew });
  } catch (error) {
    if (before === undefined) await removeFromBook(name);
    else await addToBook(name, before);
    throw error;
  }
}
