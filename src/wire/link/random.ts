/** Numbers that look random and are the same in every run: from 0 up to, not including, 1. */
export type Random = () => number;

/** Mulberry32, seeded by any number of numbers and texts: equal ones give equal sequences. */
export function seededRandom(...seed: readonly (number | string)[]): Random {
  let state = fnv(seed.map(String).join('\0'));
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** FNV-1a, 32 bits. */
function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash;
}
