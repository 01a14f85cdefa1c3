/**
 * What a pattern of the shell's (glob(7)) means: `*` any characters, `?` one, `[…]` one of some, `[!…]` none of them.
 * @param flags of RegExp, such as `i`
 * @returns an expression that matches nothing where the pattern makes no sense
 */
export function globExpression(pattern: string, flags?: string): RegExp {
  const escaped = pattern
    .replaceAll(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
    .replaceAll('[!', '[^');
  try {
    return new RegExp(`^${escaped}$`, flags);
  } catch {
    return /(?!)/;
  }
}
