/** OpenSSH's pattern lists (ssh_config(5), PATTERNS): `*` and `?`, and `!` before one that excludes. */

/** Whether a name matches one of the patterns and none of those with `!`; case does not count. */
export function matchesPatterns(name: string, patterns: readonly string[]): boolean {
  let matches = false;
  for (const pattern of patterns) {
    const isExclusion = pattern.startsWith('!');
    if (!matchesPattern(name.toLowerCase(), (isExclusion ? pattern.slice(1) : pattern).toLowerCase()))
      continue;
    if (isExclusion) return false;
    matches = true;
  }
  return matches;
}

/** In time proportional to both lengths: a star is tried again only from the last one on. */
function matchesPattern(name: string, pattern: string): boolean {
  let [at, inPattern, star, mark] = [0, 0, -1, 0];
  while (at < name.length) {
    const sign = pattern[inPattern];
    if (sign === '*') {
      star = inPattern++;
      mark = at;
    } else if (sign === '?' || (sign !== undefined && sign === name[at])) {
      inPattern++;
      at++;
    } else if (star >= 0) {
      inPattern = star + 1;
      at = ++mark;
    } else {
      return false;
    }
  }
  while (pattern[inPattern] === '*') inPattern++;
  return inPattern === pattern.length;
}
