/** What a terminal obeys, or shows as nothing; written apart from the code that escapes it. Line feeds and tabs may be. */
export const OBEYED = new RegExp(
  [
    '[\\0-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff]',
    '[\\ud800-\\udbff](?![\\udc00-\\udfff])',
    '(?<![\\ud800-\\udbff])[\\udc00-\\udfff]',
  ].join('|'),
);

/** Colours as a terminal knows them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
export const COLOURS = /\x1b\[\d+m/g;
