import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { EntryError, linkFault, partsOf } from '../../../src/make/archive/entry.js';

test('whatever the name, its parts stay inside', (t) => {
  const part = fc.constantFrom('..', '.', '', 'a', 'b.c', '...', '\0', '~', 'é');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      let result: string[];
      try {
        result = partsOf(parts.join('/'));
      } catch (error) {
        return error instanceof EntryError;
      }
      return result.every((name) => !['', '.', '..'].includes(name) && !name.includes('/'));
    }),
  );
  t.pass();
});

test('a link is let through only if the kernel stays inside when it follows it', async (t) => {
  const base = await mkdtemp(join(tmpdir(), 'aoe-lab-links-'));
  t.teardown(() => rm(base, { recursive: true, force: true }));
  const place = fc.constantFrom('p', 'q', 'd/p', 'd/q', 'd/e/p');
  const step = fc.constantFrom('..', 'd', 'e', 'p', 'q', 'file');
  const target = fc.array(step, { minLength: 1, maxLength: 5 }).map((steps) => steps.join('/'));
  let round = 0;
  let inside = 0;
  await fc.assert(
    fc.asyncProperty(fc.dictionary(place, target, { minKeys: 1, maxKeys: 4 }), async (wanted) => {
      const links = new Map(Object.entries(wanted));
      const outer = join(base, String(round++));
      const root = join(outer, 'tree');
      await mkdir(join(root, 'd/e'), { recursive: true });
      await writeFile(join(root, 'file'), '');
      for (const [path, to] of links) await symlink(to, join(root, path));
      for (const path of links.keys()) {
        if (linkFault(path, links) !== undefined) continue;
        inside++;
        const real = await realpath(join(root, path)).catch(() => dirname(join(root, path)));
        if (real !== root && !real.startsWith(`${root}/`)) return false;
      }
      return true;
    }),
    { numRuns: 200 },
  );
  t.true(inside > 0);
});
