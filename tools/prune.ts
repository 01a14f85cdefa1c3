/** Removes what was compiled from sources that are gone by now: tests of earlier commits would run on. `node dist/tools/prune.js` */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDERS = ['src', 'test', 'tools'];
/** What tsc makes of a source. */
const COMPILED = /\.(d\.ts|js|js\.map)$/;

/** @param root the folder of the package @returns paths below `dist/` that were removed */
export async function prune(root: string): Promise<string[]> {
  const removed: string[] = [];
  for (const folder of FOLDERS) {
    const compiled = join(root, 'dist', folder);
    for (const path of await readdir(compiled, { recursive: true }).catch(() => [])) {
      if (!COMPILED.test(path)) continue;
      const source = join(root, folder, path.replace(COMPILED, '.ts'));
      if (existsSync(source)) continue;
      await rm(join(compiled, path));
      removed.push(join(folder, path));
    }
  }
  return removed.sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await prune(join(import.meta.dirname, '..', '..'));
