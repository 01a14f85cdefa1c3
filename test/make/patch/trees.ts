/** Small source trees and recipes for tests; all texts are our own. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { LabError } from '../../../src/base/errors.js';
import type { Patch, Recipe, Release } from '../../../src/make/recipe/schema.js';

/** A folder for all tests of a file, removed as its process ends. */
export function sharedFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'aoe-lab-test-'));
  // Not after the tests: where all are skipped, nothing comes after them.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes files, given as Latin-1. */
export function writeTree(folder: string, files: Readonly<Record<string, string>>): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text, 'latin1');
  }
  return folder;
}

/** All files below a folder, as Latin-1. */
export function readTree(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    found[path.slice(folder.length + 1)] = readFileSync(path, 'latin1');
  }
  return found;
}

export const release: Release = { version: '1', sources: [] };

/** A recipe of which only patches and build matter. */
export function recipeWith(patches: Patch[], build?: Partial<Recipe['build']>): Recipe {
  return {
    name: 'sample',
    title: 'a sample',
    kind: 'user-space daemon',
    summary: 'for tests',
    releases: [release],
    patches,
    build: { system: 'make', requires: [], steps: [], artifacts: [], ...build },
    control: {
      shape: 'process',
      run: ['sample'],
      stop: 'TERM',
      announces: false,
      backing: 'file',
      options: {},
    },
    guide: [],
    quirks: [],
    verified: [],
  };
}

/** The LabError that a call ends with. */
export async function labError(t: ExecutionContext, call: () => unknown): Promise<LabError> {
  const error = await t.throwsAsync(async () => {
    await call();
  });
  if (!(error instanceof LabError)) throw error;
  return error;
}
