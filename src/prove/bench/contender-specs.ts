import { UsageError } from '../../base/errors.js';
import { loadRecipe } from '../../make/recipe/load.js';

/** Who is to be measured, as the command line names it. */
export interface ContenderSpec {
  /** As it was named: "ggaoed@0.9". */
  name: string;
  implementation: string;
  release?: string;
  /** The user's copy of its source. */
  source?: string;
}

/** What a user might pick instead of an AoE target, and the local disk. */
export const OTHERS = ['nbdkit', 'qemu-nbd', 'tgt', 'fio'] as const;
export type Other = (typeof OTHERS)[number];

/**
 * @param text `IMPL` or `IMPL@RELEASE`, joined by commas
 * @param sources `IMPL=PATH` or `IMPL@RELEASE=PATH`, each
 * @throws UsageError if a name occurs twice or a source belongs to nobody
 */
export function parseContenders(text: string, sources: readonly string[]): ContenderSpec[] {
  const tried = `reading the option --impl ${text}`;
  const specs = text.split(',').map((word): ContenderSpec => {
    const match = /^([a-z][a-z0-9-]*)(?:@([^@\s]+))?$/.exec(word.trim());
    if (match === null) {
      throw new UsageError({
        tried,
        happened: `"${word}" names no implementation`,
        next: 'write IMPL or IMPL@RELEASE, joined by commas: vblade,ggaoed@1.1,native',
      });
    }
    const [name, implementation, release] = match as unknown as [string, string, string | undefined];
    return { name, implementation, ...(release === undefined ? {} : { release }) };
  });
  const names = specs.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new UsageError({ tried, happened: `${twice} is named twice`, next: 'name each once' });
  }
  for (const source of sources) {
    const at = source.indexOf('=');
    const owner = specs.find(({ name }) => name === source.slice(0, at));
    if (at < 1 || owner === undefined) {
      throw new UsageError({
        tried: `reading the option --source ${source}`,
        happened: 'it belongs to none of the implementations',
        next: `write NAME=PATH with one of ${names.join(', ')}`,
      });
    }
    owner.source = source.slice(at + 1);
  }
  return specs;
}

export function isOther(name: string): name is Other {
  return (OTHERS as readonly string[]).includes(name);
}

/** Whether one of them is a kernel module. @throws UsageError if there is no such implementation */
export async function hasModules(specs: readonly ContenderSpec[]): Promise<boolean> {
  const names = specs.map(({ implementation }) => implementation).filter((name) => !isOther(name));
  const recipes = await Promise.all(names.map((name) => loadRecipe(name)));
  return recipes.some(({ kind }) => kind === 'kernel module');
}
