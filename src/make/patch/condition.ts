/** Whether a condition of a recipe holds, given what is known of the kernel, the compiler and the C library. */
import type { Condition } from '../recipe/schema.js';

export interface Facts {
  /** Release of the implementation. */
  release: string;
  /** Version of the kernel that is built for, such as `6.1` or `6.1.0-44-amd64`; absent if none was chosen. */
  kernel?: string;
  /** Version of the compiler; absent if there is none. */
  compiler?: string;
  libc?: 'glibc' | 'musl';
}

export interface Verdict {
  applies: boolean;
  /** One short phrase, e.g. "kernel 6.1 is not >=2.6.19 <2.6.33". */
  reason: string;
}

/** Judges a condition; one on a fact that is not known does not hold. */
export function judge(condition: Condition | undefined, facts: Facts): Verdict {
  const held: string[] = [];
  const { release, kernel, compiler, libc } = condition ?? {};
  if (release !== undefined) {
    const wanted = release.join(' or ');
    if (!release.includes(facts.release)) return no(`release ${facts.release} is not ${wanted}`);
    held.push(`release ${facts.release}`);
  }
  for (const [name, range, version] of [
    ['kernel', kernel, facts.kernel],
    ['compiler', compiler, facts.compiler],
  ] as const) {
    if (range === undefined) continue;
    if (version === undefined)
      return no(name === 'kernel' ? 'no kernel was chosen' : 'no compiler was found');
    if (!inRange(version, range)) return no(`${name} ${version} is not ${range}`);
    held.push(`${name} ${version} is ${range}`);
  }
  if (libc !== undefined) {
    if (facts.libc === undefined) return no('the C library is not known');
    if (facts.libc !== libc) return no(`the C library is ${facts.libc}, not ${libc}`);
    held.push(`the C library is ${libc}`);
  }
  return { applies: true, reason: held.length === 0 ? 'always' : held.join(', ') };
}

/**
 * Compares the leading dotted numbers of two versions; a part that is absent counts as 0.
 * @returns negative, 0 or positive, as `a` is below, equal to or above `b`
 */
export function compareVersions(a: string, b: string): number {
  const left = numbers(a);
  const right = numbers(b);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** @param range comparisons joined by blanks, all of which must hold: `>=2.6.18 <2.6.33` */
export function inRange(version: string, range: string): boolean {
  return range.split(' ').every((comparison) => {
    const [, operator, bound] = /^(>=|<=|>|<|=)(.*)$/.exec(comparison) ?? [];
    const order = compareVersions(version, bound ?? '');
    switch (operator) {
      case '>=':
        return order >= 0;
      case '<=':
        return order <= 0;
      case '>':
        return order > 0;
      case '<':
        return order < 0;
      default:
        return order === 0;
    }
  });
}

function numbers(version: string): number[] {
  return (/^\d+(\.\d+)*/.exec(version)?.[0] ?? '0').split('.').map(Number);
}

function no(reason: string): Verdict {
  return { applies: false, reason };
}
