/** What `set` changes that decides whether what follows runs. */

/** Of `set -o`: what their letters are; empty for those that change nothing here. */
const OPTIONS: ReadonlyMap<string, string> = new Map([
  ['errexit', 'e'],
  ['nounset', 'u'],
  ...'allexport emacs hashall ignoreeof monitor noclobber noglob nolog notify pipefail posix verbose vi xtrace'
    .split(' ')
    .map((name) => [name, ''] as const),
]);

/** Letters that leave it to what follows, `e` and `u`, or change nothing here. */
const KNOWN = /^([-+][abefhmuvxBCEHPTo]+|[^-+].*)$/s;

export class ShellOptions {
  /** `set -e`: whatever fails ends the shell. */
  failureEnds = false;
  /** `set -u`: what is not set ends it. */
  unsetEnds = false;

  /** @returns false where it can't be told what they change, or nothing is run from then on (`-n`) */
  take(words: readonly (string | undefined)[]): boolean {
    let isKnown = true;
    for (const [index, word] of words.entries()) {
      // What follows are no options.
      if (word === '--' || word === '-') break;
      const isNamed = /^[-+]\w*o$/.test(words[index - 1] ?? '');
      const flags = isNamed ? OPTIONS.get(word ?? '') : /^-(\w+)$/.exec(word ?? '')?.[1];
      // One that is switched off again may stay on where that does not run.
      if (flags?.includes('e')) this.failureEnds = true;
      if (flags?.includes('u')) this.unsetEnds = true;
      isKnown &&= isNamed ? flags !== undefined : word !== undefined && KNOWN.test(word);
    }
    return isKnown;
  }
}
