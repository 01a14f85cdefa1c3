/** What the last words of a target mean, by what its recipe knows of them. Pure. */

import { render, renderExpression } from '../../base/templating.js';
import type { Saying } from '../../make/recipe/schema.js';

export interface Meaning {
  /** The line that was known. */
  line: string;
  means: string;
  next: string[];
}

/**
 * @param lines what was printed, oldest first; the last one that a saying knows counts
 * @param variables see `exportVariables`
 */
export function meaningOf(
  sayings: readonly Saying[] | undefined,
  lines: readonly string[],
  variables: object,
): Meaning | undefined {
  const known = (sayings ?? []).map((saying) => ({
    ...saying,
    expression: renderExpression(saying.line, variables),
  }));
  for (const line of [...lines].reverse()) {
    const found = known.find(({ expression }) => expression.test(line));
    if (found === undefined) continue;
    const next = found.next.map((text) => render(text, variables));
    return { line, means: render(found.means, variables), next };
  }
  return undefined;
}
