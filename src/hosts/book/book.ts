/** The host book: names of hosts with how to reach them, as `aoe-lab host add` writes them down. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { openDocument } from '../../base/document.js';
import { UsageError } from '../../base/errors.js';
import { requireOwn } from '../../base/files/own-folders.js';
import { here } from '../host/local.js';
import { textOf } from '../ssh/client/files.js';

const entrySchema = z.strictObject({
  /** What ssh(1) would be given: a name of its configuration, or an address. */
  address: z.string().min(1),
  user: z.string().min(1).optional(),
  port: z.int().min(1).max(65535).optional(),
  /** Path of a private key. */
  identity: z.string().min(1).optional(),
  /** Hosts to jump over, joined by commas. */
  jump: z.string().min(1).optional(),
  /** `auto`: a user who is not root runs all by sudo. */
  sudo: z.enum(['auto', 'never']).optional(),
});
const bookSchema = z.strictObject({ hosts: z.record(z.string(), entrySchema) });

export type BookedHost = z.infer<typeof entrySchema>;

/** A name that can be told from an address, and is no word of the command line's. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

function bookPath(): string {
  const folder = process.env.XDG_CONFIG_HOME || join(homedir(), '.config');
  return requireOwn(join(folder, 'aoe-lab', 'hosts.yaml'), 'the host book', 'XDG_CONFIG_HOME');
}

/** @throws UsageError if the file is not a host book */
export async function readBook(): Promise<Map<string, BookedHost>> {
  const path = bookPath();
  const text = await textOf(path);
  if (text === undefined) return new Map();
  const refuse = (happened: string | string[], cause?: unknown): UsageError =>
    new UsageError({ tried: `reading ${path}`, happened, next: 'correct or remove the file', cause });
  const opened = openDocument(path, text);
  const content = 'faults' in opened ? opened : opened.content();
  if ('faults' in content) {
    throw refuse(content.faults.map(({ line, column, reason }) => `${line}:${column}: ${reason}`));
  }
  const checked = bookSchema.safeParse(content.value ?? { hosts: {} });
  if (!checked.success) throw refuse(z.prettifyError(checked.error), checked.error);
  return new Map(Object.entries(checked.data.hosts));
}

/** Undefined if the book has no such name. */
export async function bookedHost(name: string): Promise<BookedHost | undefined> {
  return (await readBook()).get(name);
}

/**
 * Puts a host in the book, in the place of one of that name.
 * @throws UsageError for a name that can't be one
 */
export async function addToBook(name: string, entry: BookedHost): Promise<void> {
  requireName(name);
  await change((book) => book.set(name, entry));
}

/** @throws UsageError for a name that a host of the book can't have */
export function requireName(name: string): void {
  if (NAME.test(name) && name !== 'here') return;
  throw new UsageError({
    tried: `adding the host "${name}"`,
    happened: name === 'here' ? 'this machine is called that' : 'it is no name',
    next: 'take letters, digits, dots, dashes and underscores',
  });
}

/** @returns whether it was there */
export async function removeFromBook(name: string): Promise<boolean> {
  let wasThere = false;
  await change((book) => {
    wasThere = book.delete(name);
  });
  return wasThere;
}

async function change(edit: (book: Map<string, BookedHost>) => void): Promise<void> {
  const path = bookPath();
  const lock = await here.lock(`${path}.lock`, 10_000);
  try {
    const book = await readBook();
    edit(book);
    await here.write(path, stringify({ hosts: Object.fromEntries(book) }), 0o600);
  } finally {
    await lock.release();
  }
}
