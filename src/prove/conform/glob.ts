/** Whether a case's name matches a pattern: `*` stands for any characters, `?` for one, `a|b` for either. */
export function matchesGlob(pattern: string, name: string): boolean {
  return pattern.split('|').some((part) => toExpression(part.trim()).test(name));
}

function toExpression(glob: string): RegExp {
  const escaped = glob
    .replace(/[.+^${}()[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${escaped}$`, 'i');
}
