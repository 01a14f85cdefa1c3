import { UsageError } from '../../base/errors.js';
import type { ConformCase } from './case.js';
import { CASES } from './cases/index.js';
import { matchesGlob } from './glob.js';

/**
 * The cases whose names match, in their order.
 * @throws UsageError if none does
 */
export function selectCases(only: string | undefined): readonly ConformCase[] {
  if (only === undefined) return CASES;
  const chosen = CASES.filter(({ name }) => matchesGlob(only, name));
  if (chosen.length > 0) return chosen;
  const families = [...new Set(CASES.map(({ name }) => name.split('.')[0]))];
  throw new UsageError({
    tried: `choosing the cases "${only}"`,
    happened: 'no case has such a name',
    next: [
      `families are ${families.join(', ')}: --only "ata-28.*"`,
      '`aoe-lab conform --list` shows all names',
    ],
  });
}
