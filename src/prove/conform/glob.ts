import { globExpression } from '../../base/glob.js';

/** Whether a case's name matches a pattern: `*` stands for any characters, `?` for one, `a|b` for either. */
export function matchesGlob(pattern: string, name: string): boolean {
  return pattern.split('|').some((part) => globExpression(part.trim(), 'i').test(name));
}
