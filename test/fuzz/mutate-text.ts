import type { Dice } from './mutate.js';

/** What terminals, parsers and prototypes stumble over. */
const PIECES = [
  ...[
    '\x1b[2J',
    '\x1b]0;x\x07',
    '\x9b1m',
    '\u202e',
    '\u200b',
    '\ud800',
    '\ufeff',
    '\0',
    '\r',
    '\n',
    '\t',
    ' ',
  ],
  ...[
    '"',
    "'",
    '`',
    '\\',
    '$(x)',
    '$' + '{X}',
    '#',
    ':',
    '- ',
    '{',
    '}',
    '[',
    ']',
    '&a',
    '*a',
    '!!js',
    '<<',
    '|',
    '>',
  ],
  ...[
    '-1',
    '0',
    '1e999',
    '99999999999999999999',
    '0x',
    '65536',
    'NaN',
    'null',
    'true',
    '__proto__',
    'constructor',
  ],
  ...['..', '../../etc/passwd', '/', '\n@blocks\n', '\n@name 0\n', '\n@@file x\n', 'x'.repeat(3000)],
];

/** A text with some spans cut, doubled, exchanged, or replaced by what hurts. */
export function mutateText(seeds: readonly string[], dice: Dice): string {
  let text = dice.pick(seeds);
  for (let steps = 1 + dice.roll(4); steps > 0; steps--) {
    const at = dice.roll(text.length + 1);
    const end = Math.min(text.length, at + dice.roll(dice.roll(3) === 0 ? 200 : 12));
    const [before, span, after] = [text.slice(0, at), text.slice(at, end), text.slice(end)];
    switch (dice.roll(6)) {
      case 0:
        text = before + after;
        break;
      case 1:
        text = before + span + span + after;
        break;
      case 2:
        text = after + before;
        break;
      case 3:
        text = before + String.fromCharCode(dice.roll(dice.roll(2) === 0 ? 256 : 0xffff)) + after;
        break;
      case 4:
        text = before + dice.pick(seeds).slice(at, end) + after;
        break;
      default:
        text = before + dice.pick(PIECES) + after;
    }
    // Doubled ones must not grow without end.
    if (text.length > 100_000) text = text.slice(0, 100_000);
  }
  return text;
}
