/** A small C project of our own and its recipe. */
import type { Patch, Recipe } from '../../../src/make/recipe/schema.js';
import { recipeWith, writeTree } from '../patch/trees.js';

const MAKEFILE = 'hello: hello.c\n\t$(CC) $(CFLAGS) -o $@ $<\n';
export const HELLO = '#include <stdio.h>\n\nint main(void)\n{\n\tputs("hello");\n\treturn 0;\n}\n';

/** @param before a shell script that runs ahead of make */
export function projectRecipe(before = ':', patches: Patch[] = []): Recipe {
  return recipeWith(patches, {
    requires: [
      { command: 'gcc', debian: 'gcc' },
      { command: 'make', debian: 'make' },
    ],
    env: { CFLAGS: '-O1 -Wall' },
    steps: [{ run: ['sh', '-c', before] }, { run: ['make', '-j{{jobs}}', 'hello'] }],
    artifacts: [{ name: 'hello', path: 'hello' }],
  });
}

export function writeProject(folder: string, hello = HELLO): { folder: string; digest: string } {
  writeTree(folder, { 'hello.c': hello, Makefile: MAKEFILE });
  return { folder, digest: 'd'.repeat(64) };
}
