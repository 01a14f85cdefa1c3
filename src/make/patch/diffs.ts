/** A unified diff, -p1, laid over a tree. */
import type { StructuredPatch } from 'diff';
import { LabError, linesOf } from '../../base/errors.js';
import { applyHunks, HunkError, type HunksResult } from './hunks.js';
import { splitLines } from './text.js';
import type { FileChange, TreeView } from './tree-view.js';

/**
 * @param text the diff, as Latin-1
 * @param tried what is being done, for errors
 * @throws LabError that names file, line, what was expected and what was found
 */
export async function applyDiff(text: string, tree: TreeView, tried: string): Promise<FileChange[]> {
  const { parsePatch } = await import('diff');
  let parsed: StructuredPatch[];
  try {
    parsed = parsePatch(text.replace(/\r\n/g, '\n'));
  } catch (error) {
    throw new LabError({
      tried,
      happened: `it is no unified diff: ${(error as Error).message}`,
      cause: error,
    });
  }
  const files = parsed.filter((file) => file.newFileName !== undefined || file.hunks.length > 0);
  if (files.length === 0) throw new LabError({ tried, happened: 'the file holds no diff' });
  const changes: FileChange[] = [];
  for (const file of files) changes.push(await applyToFile(file, tree, tried));
  return changes;
}

async function applyToFile(file: StructuredPatch, tree: TreeView, tried: string): Promise<FileChange> {
  const from = stripped(file.oldFileName, tried);
  const to = stripped(file.newFileName, tried);
  const path = to ?? from;
  if (path === undefined) throw new LabError({ tried, happened: 'a part of it names no file' });
  if (file.isRename || file.isCopy || file.isBinary || file.hunks.length === 0) {
    throw new LabError({
      tried,
      happened: `${path}: renamed, copied, binary and mode-only changes are not supported`,
      next: 'write it as a file that is deleted and one that is created',
    });
  }
  const before = await tree.read(path);
  if (from === undefined && before !== undefined) {
    throw new LabError({ tried, happened: `${path}: it creates this file, which is there already` });
  }
  if (from !== undefined && before === undefined) {
    throw new LabError({ tried, happened: `${path}: there is no such file in the tree` });
  }
  const { lines, changed, offsets } = hunksOf(file, path, before ?? '', tried);
  const common = { path, lines: changed, offsets };
  if (to === undefined) {
    if (lines.length > 0) {
      throw new LabError({
        tried,
        happened: `${path}: it deletes this file, but ${lines.length} lines more than it knows are in it`,
      });
    }
    tree.remove(path);
    return { ...common, change: 'deleted', before: before ?? '', after: '' };
  }
  const after = lines.join('');
  if (from === undefined) {
    tree.write(path, after, file.newMode === '100755');
    return { ...common, change: 'created', before: '', after };
  }
  tree.write(path, after, tree.changes.get(path)?.executable);
  return { ...common, change: 'changed', before: before ?? '', after };
}

function hunksOf(file: StructuredPatch, path: string, before: string, tried: string): HunksResult {
  try {
    return applyHunks(splitLines(before), file.hunks);
  } catch (error) {
    if (!(error instanceof HunkError)) throw error;
    throw new LabError({
      tried,
      happened: linesOf(`${path}:${error.line}: ${error.detail}`),
      next: error.alreadyThere
        ? 'what the patch does is in the tree already: take an unpatched one'
        : 'compare the tree with the release that the patch was made for',
      cause: error,
    });
  }
}

/** The path without its first folder (`a/`, `b/`); undefined for /dev/null. */
function stripped(name: string | undefined, tried: string): string | undefined {
  if (name === undefined || name === '/dev/null') return undefined;
  const slash = name.indexOf('/');
  if (slash <= 0) {
    throw new LabError({ tried, happened: `the path ${JSON.stringify(name)} does not start with a/ or b/` });
  }
  return name.slice(slash + 1);
}
