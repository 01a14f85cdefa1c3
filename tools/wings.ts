/**
 * Holds every import of src/ against the table of wings and rooms in docs/architecture.md: `node dist/tools/wings.js`.
 * What it finds is printed, a line each, and ends it with 1.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Rooms of a wing, each with those that it may import, its own included. A file beside the rooms is in the wing itself. */
export type Table = ReadonlyMap<string, ReadonlySet<string>>;

/** Path of a file below src/, and the paths that it imports. */
export type Imports = ReadonlyMap<string, readonly string[]>;

/** An import or export from a file of ours, as the formatter writes them; `import('…')` too, of values and of types. */
const IMPORT = /\b(?:from|import) ?\(?'(\.[^']+)'/g;

const ROW = /^\| `(?<wing>\w+)\/` \| (?<rooms>[^|]+) \| (?<floors>[^|]+) \|/gm;

const namesIn = (cell: string): string[] =>
  [...cell.matchAll(/`([\w-]+)\/?`/g)].map(([, name]) => name as string);

/**
 * The table as the page has it: of each row the wing, its rooms from the lowest to the highest, the wings that it may import.
 * @throws Error if there is no such row, or one names a wing that no row above it has
 */
export function parseTable(page: string): Table {
  const wings = new Map<string, string[]>();
  const table = new Map<string, Set<string>>();
  for (const { groups = {} } of page.matchAll(ROW)) {
    const { wing = '', rooms = '', floors = '' } = groups;
    const below = namesIn(floors).flatMap((name) => {
      const known = wings.get(name);
      if (known === undefined)
        throw new Error(`${wing}/ is to import from ${name}/, which no row above it has`);
      return known;
    });
    const own = [wing, ...namesIn(rooms).map((room) => `${wing}/${room}`)];
    own.forEach((room, i) => {
      table.set(room, new Set([...below, ...own.slice(0, i + 1)]));
    });
    wings.set(wing, own);
  }
  if (table.size === 0) throw new Error('the page has no table of wings');
  return table;
}

/** The room that a file is in; undefined for a file beside the wings. */
function roomOf(path: string): string | undefined {
  const folders = posix.dirname(path).split('/');
  return folders[0] === '.' ? undefined : folders.slice(0, 2).join('/');
}

/** What the table forbids, a line each. Files beside the wings are the faces of the package, and import what they like. */
export function trespasses(table: Table, imports: Imports): string[] {
  const found = new Set<string>();
  for (const [path, names] of imports) {
    const room = roomOf(path);
    if (room === undefined) continue;
    const allowed = table.get(room);
    if (allowed === undefined) {
      found.add(`src/${path}: the table has no room ${room}/`);
      continue;
    }
    for (const name of names) {
      const other = roomOf(name);
      if (other === undefined || !allowed.has(other))
        found.add(`src/${path} imports ${name}: ${room}/ may not know it`);
    }
  }
  return [...found];
}

/** Rooms of the table in which there is no file. */
export function emptyRooms(table: Table, imports: Imports): string[] {
  const filled = new Set([...imports.keys()].map(roomOf));
  return [...table.keys()].filter((room) => room.includes('/') && !filled.has(room));
}

/** @param root the folder of the package */
export async function importsIn(root: string): Promise<Imports> {
  const folder = join(root, 'src');
  const files = (await readdir(folder, { recursive: true })).filter((path) => path.endsWith('.ts'));
  const read = files.map(async (path): Promise<[string, string[]]> => {
    const names = [...(await readFile(join(folder, path), 'utf8')).matchAll(IMPORT)].map(
      ([, name]) => name as string,
    );
    return [path, names.map((name) => posix.join(posix.dirname(path), name).replace(/\.js$/, '.ts'))];
  });
  return new Map(await Promise.all(read));
}

export async function tableOf(root: string): Promise<Table> {
  return parseTable(await readFile(join(root, 'docs', 'architecture.md'), 'utf8'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = join(import.meta.dirname, '..', '..');
  const [table, imports] = await Promise.all([tableOf(root), importsIn(root)]);
  const empty = emptyRooms(table, imports).map(
    (room) => `docs/architecture.md: there is no file in src/${room}/`,
  );
  const found = [...trespasses(table, imports), ...empty];
  for (const line of found) process.stderr.write(`${line}\n`);
  process.exitCode = found.length === 0 ? 0 : 1;
}
