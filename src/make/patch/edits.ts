/** A documented edit, "in these files replace this by that, N times", laid over a tree. */
import { LabError } from '../../base/errors.js';
import type { Patch } from '../recipe/schema.js';
import { asBytes, quotedLine, splitLines } from './text.js';
import type { FileChange, TreeView } from './tree-view.js';

type Edit = Extract<Patch, { form: 'edit' }>;

/** How many lines an error lists. */
const SHOWN = 10;

interface Occurrence {
  path: string;
  /** From 1. */
  line: number;
  /** The line that it starts in. */
  text: string;
}

/** @throws LabError if a file is missing, or the number or the lines of what was found are not the expected ones */
export async function applyEdit(edit: Edit, tree: TreeView, tried: string): Promise<FileChange[]> {
  const paths = await filesOf(edit, tree, tried);
  const changes: FileChange[] = [];
  const found: Occurrence[] = [];
  for (const path of paths) {
    const before = (await tree.read(path)) as string;
    const crlf = /\r\n/.test(before);
    const from = lineEndings(asBytes(edit.replace), crlf);
    const parts = before.split(from);
    if (parts.length === 1) continue;
    const here = occurrences(path, before, parts, from.length);
    found.push(...here);
    const after = parts.join(lineEndings(asBytes(edit.by), crlf));
    const lines = [...new Set(here.map(({ line }) => line))];
    changes.push({ path, change: 'changed', lines, offsets: [], before, after });
  }
  check(edit, paths, found, tried);
  for (const { path, after } of changes) tree.write(path, after, tree.changes.get(path)?.executable);
  return changes;
}

async function filesOf(edit: Edit, tree: TreeView, tried: string): Promise<string[]> {
  const all = await tree.files();
  const paths = new Set<string>();
  for (const pattern of edit.files) {
    const matching = all.filter((path) => toRegExp(pattern).test(path));
    if (matching.length === 0 && !pattern.includes('*')) {
      throw new LabError({
        tried,
        happened: `there is no file ${pattern} in the tree`,
        next: 'see whether the tree is the right folder of the right release',
      });
    }
    for (const path of matching) paths.add(path);
  }
  return [...paths].sort();
}

/** `*` stands for any characters but a slash. */
function toRegExp(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^/]*')}$`);
}

function occurrences(path: string, text: string, parts: readonly string[], length: number): Occurrence[] {
  const lines = splitLines(text);
  let position = 0;
  return parts.slice(0, -1).map((part) => {
    position += part.length;
    const line = text.slice(0, position).split('\n').length;
    position += length;
    return { path, line, text: lines[line - 1] ?? '' };
  });
}

function check(edit: Edit, paths: readonly string[], found: readonly Occurrence[], tried: string): void {
  const countOff = edit.count === undefined ? found.length === 0 : found.length !== edit.count;
  const where = found.map(({ line }) => line);
  const linesOff =
    edit.lines !== undefined && String(where) !== String([...edit.lines].sort((a, b) => a - b));
  if (!countOff && !linesOff) return;
  const files = paths.length === 0 ? `no file (${edit.files.join(', ')})` : paths.join(', ');
  const expected = edit.count ?? 'at least 1';
  throw new LabError({
    tried,
    happened: [
      countOff
        ? `found ${JSON.stringify(edit.replace)} ${found.length} times in ${files}, expected ${expected}`
        : `found ${JSON.stringify(edit.replace)} on lines ${where.join(', ')} of ${files}, expected lines ${edit.lines?.join(', ')}`,
      ...found.slice(0, SHOWN).map(({ path, line, text }) => `${path}:${line}: ${quotedLine(text)}`),
      ...(found.length > SHOWN ? [`and ${found.length - SHOWN} more`] : []),
    ],
    next: 'compare the tree with the release that the edit was written for',
  });
}

function lineEndings(text: string, crlf: boolean): string {
  return crlf ? text.replace(/\r?\n/g, '\r\n') : text;
}
