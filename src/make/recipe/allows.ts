/**
 * Whether a recipe's expression allows a path or a name. C programs count bytes: a character beyond ASCII stands for as
 * many letters as it has bytes, and is no blank.
 * @param expression undefined: all are allowed
 */
export function allows(expression: string | undefined, text: string): boolean {
  const bytes = text.replaceAll(/[^\0-\x7f]/gu, (character) => 'x'.repeat(Buffer.byteLength(character)));
  return expression === undefined || new RegExp(expression).test(bytes);
}
