/** The files under `patches/`: where they are, and what their headers say. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { digestOf } from '../../base/digest.js';
import { UsageError } from '../../base/errors.js';
import { packageRoot } from '../../base/files/paths.js';
import type { Patch, Recipe } from '../recipe/schema.js';
import { type Facts, judge, type Verdict } from './condition.js';
import { readable } from './text.js';

/**
 * Content of a file under `patches/` of this package, or of a folder named by `$AOE_LAB_RECIPES` (which wins), as Latin-1.
 * @throws UsageError if there is none
 */
export function readPatchFile(file: string): string {
  const own = (process.env.AOE_LAB_RECIPES ?? '').split(delimiter).filter((folder) => folder !== '');
  const places = [...own.reverse(), packageRoot].map((folder) => join(folder, 'patches', file));
  const place = places.find((path) => existsSync(path));
  if (place === undefined) {
    throw new UsageError({
      tried: `reading the patch ${file} that a recipe names`,
      happened: `there is no file ${places.join(' nor ')}`,
      next: 'correct the recipe, or put the patch there',
    });
  }
  return readFileSync(place, 'latin1');
}

/** How a patch is called: the recipe's id, or of a diff the file's name without its ending. */
export function patchId(patch: Patch): string {
  return patch.form === 'diff' ? basename(patch.file).replace(/\.(patch|diff)$/, '') : patch.id;
}

/** Why a patch is there; a diff says it in its header. */
export function patchWhy(patch: Patch): string {
  return patch.form === 'diff' ? whyOfHeader(readPatchFile(patch.file)) : patch.why;
}

/** Patches of a recipe, in order, each with whether it applies. */
export function judgePatches(recipe: Recipe, facts: Facts): { patch: Patch; id: string; verdict: Verdict }[] {
  return recipe.patches.map((patch) => ({ patch, id: patchId(patch), verdict: judge(patch.when, facts) }));
}

/** Digest of all that a patch does to a tree; its words about itself do not count. */
export function patchDigest(patch: Patch): string {
  switch (patch.form) {
    case 'diff':
      return digestOf(Buffer.from(partsOf(readPatchFile(patch.file)).diff, 'latin1'));
    case 'file':
      return digestOf(JSON.stringify([patch.to, digestOf(Buffer.from(readPatchFile(patch.file), 'latin1'))]));
    case 'edit':
      return digestOf(
        JSON.stringify([patch.files, patch.replace, patch.by, patch.count ?? null, patch.lines ?? null]),
      );
  }
}

/** Lines that name things, as git's trailers: `Upstream: …`, `Signed-off-by: …`. */
const TRAILERS = /^(?:[A-Z][A-Za-z-]*: .*(?:\n|$))+$/;

/**
 * What stands above a diff in git's format for mail (git-format-patch(1)): its prose, without the header and the trailers at
 * its end; its subject where there is none.
 */
export function whyOfHeader(text: string): string {
  const paragraphs = readable(partsOf(text).words)
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/^---$[\s\S]*/m, '').trim())
    .filter((paragraph) => paragraph !== '');
  const subject = /^Subject: *(?:\[[^\]]*\] *)?(.*(?:\n[ \t].*)*)/m.exec(paragraphs[0] ?? '')?.[1];
  const prose = subject === undefined ? paragraphs : paragraphs.slice(1);
  const hasTrailers = (subject !== undefined || prose.length > 1) && TRAILERS.test(prose.at(-1) ?? '');
  const why = (hasTrailers ? prose.slice(0, -1) : prose).join(' ') || subject;
  return (why ?? '').replaceAll(/\s+/g, ' ').trim();
}

/** A diff, and the words above it. */
function partsOf(text: string): { words: string; diff: string } {
  const at = text.search(/^(?:--- |diff |Index: )/m);
  return at === -1 ? { words: text, diff: '' } : { words: text.slice(0, at), diff: text.slice(at) };
}
