/** Assignments within words: `${NAME:=WORD}`, `$((NAME = 1))`, `NAME[0]=…`, wherever they stand, here-documents too. */

const DEFAULT = /\$\{([A-Za-z_]\w*):?=/g;
const ARITHMETIC = /\(\(([\s\S]*?)\)\)|\$\[([^\]]*)\]/g;
const ASSIGNED = /([A-Za-z_]\w*)\s*(?:(?:<<|>>|[-+*/%&|^])?=(?!=)|\+\+|--)|(?:\+\+|--)\s*([A-Za-z_]\w*)/g;
const ELEMENT = /(?:^|[\s;&|({])([A-Za-z_]\w*)\[[^\]\n]*\]\+?=/g;

/** Names of variables that may be set in a shell's text this way, each with what does so. */
export function setByExpansions(text: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const [all, name = ''] of text.matchAll(DEFAULT)) names.set(name, `${all}…}`);
  for (const [, round, square] of text.matchAll(ARITHMETIC)) {
    const inner = round ?? square ?? '';
    for (const [, name, counted] of inner.matchAll(ASSIGNED)) names.set(name ?? counted ?? '', 'arithmetic');
  }
  for (const [all, name = ''] of text.matchAll(ELEMENT)) names.set(name, `${all.trim()}…`);
  return names;
}
