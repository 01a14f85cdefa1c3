import { loadRecipe } from '../../make/recipe/load.js';
import { provide } from '../../serve/exports/provide.js';
import type { Place } from '../testbed/place.js';
import { prepareGuest } from '../vm/index.js';
import type { AcceptanceOptions } from './options.js';
import type { TestName } from './record.js';

/** Whether targets run on this machine, with packet sockets: modules run in guests, which an ordinary user may have. */
export async function needsNamespace(implementations: readonly string[]): Promise<boolean> {
  const recipes = await Promise.all(implementations.map((name) => loadRecipe(name)));
  return recipes.some(({ kind }) => kind !== 'kernel module');
}

/** Whether the client needs fio. */
export function needsFio(tests: readonly TestName[]): boolean {
  return tests.includes('load') || tests.includes('failure');
}

/** Fetches and builds all that `accept` needs, so that it then needs no network. */
export async function prepare(
  implementations: readonly string[],
  options: Pick<
    AcceptanceOptions,
    'release' | 'source' | 'offline' | 'unpinned' | 'kernel' | 'clientKernel' | 'tests'
  > & { client: Place },
): Promise<void> {
  const { kernel, clientKernel = kernel, offline, tests, client } = options;
  for (const name of implementations) {
    const { control } = await provide(name, options);
    if (control.shape === 'control-file') await prepareGuest({ kernel, offline, exports: true });
  }
  if (client !== 'here') await prepareGuest({ kernel: clientKernel, offline, fio: needsFio(tests) });
}
