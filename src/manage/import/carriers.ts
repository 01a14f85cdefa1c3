/** Programs that run others: what is really started, and in which network namespace. */
import { posix } from 'node:path';
import type { Value } from './shell/values.js';

/** They run the rest of their words as it is. */
const CARRIERS = new Set(
  'nohup setsid exec sudo doas nice ionice chrt taskset env daemon command stdbuf screen'.split(' '),
);
/** What they may carry that matters here. */
const CARRIED = new Set(
  'vblade vbladed vblade-persist kvadd kvdel sh bash dash ash tee echo printf losetup start-stop-daemon ip'.split(
    ' ',
  ),
);

export interface Started {
  /** Name of the program, without its folder; undefined where that can't be told. */
  program: string | undefined;
  args: readonly Value[];
  netns?: string;
}

/** @param words a command's, the program's name first */
export function startedBy(words: readonly Value[], netns?: string): Started {
  const [first, ...args] = words;
  const program = nameOf(first);
  const texts = args.map((one) => ('text' in one ? one.text : undefined));
  const plain = { program, args, ...(netns === undefined ? {} : { netns }) };
  if (program === 'start-stop-daemon') {
    const started = args.find((_, index) => /^(-x|-a|--exec|--startas)$/.test(texts[index - 1] ?? ''));
    const from = texts.indexOf('--');
    const isOther = texts
      .slice(0, from)
      .some((word) => /^(-[cgr]|--(chuid|group|chroot))/.test(word ?? '-c'));
    return started === undefined || from < 0 || isOther
      ? plain
      : startedBy([started, ...args.slice(from + 1)], netns);
  }
  if (program === 'ip' && texts[0] === 'netns' && texts[1] === 'exec' && texts[2] !== undefined) {
    return startedBy(args.slice(3), texts[2]);
  }
  if (program === undefined || !CARRIERS.has(program)) return plain;
  const from = args.findIndex((one) => CARRIED.has(nameOf(one) ?? ''));
  // A word before it that can't be told might be the program.
  const isSure =
    from >= 0 &&
    texts.slice(0, from).every((word) => word !== undefined) &&
    !changesUser(program, texts.slice(0, from));
  return isSure ? startedBy(args.slice(from), netns) : plain;
}

/** Whoever else it is run as may do less; root's own name changes nothing. */
function changesUser(program: string, words: readonly (string | undefined)[]): boolean {
  if (!['sudo', 'doas', 'daemon'].includes(program)) return false;
  return words.some((word, index) => {
    const [, inline] = /^(?:-[ugUC]|--(?:user|group|chroot|other-user)=?)(.*)$/.exec(word ?? '') ?? [];
    return (
      inline !== undefined && !['root', '0', '#0'].includes(inline === '' ? (words[index + 1] ?? '') : inline)
    );
  });
}

export function nameOf(value: Value | undefined): string | undefined {
  return value !== undefined && 'text' in value ? posix.basename(value.text) : undefined;
}
