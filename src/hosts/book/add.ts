import { addToBook, type BookedHost, requireName } from './book.js';
import { findHost } from './find.js';

/**
 * Puts a host in the book once it has been reached: until then the one that has its name stays, whatever ends the command.
 * @param options acceptNew: as findHost takes it · unchecked: it need not be reached
 * @throws as addToBook and findHost
 */
export async function addHost(
  name: string,
  entry: BookedHost,
  { acceptNew, unchecked = false }: { acceptNew?: boolean | undefined; unchecked?: boolean | undefined },
): Promise<void> {
  requireName(name);
  if (!unchecked) await findHost(name, { acceptNew, as: entry });
  await addToBook(name, entry);
}
