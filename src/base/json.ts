/** JSON of files, hosts and peers. */

/** Objects and lists within each other; what is meant has ten. */
const DEEPEST = 200;
export const TOO_DEEP = 'it is nested too deeply';

/**
 * As JSON.parse, for what others may have written: whatever goes through the value afterwards goes as deep on the stack.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  if (isDeeper(text)) throw new SyntaxError(TOO_DEEP);
  return JSON.parse(text);
}

/** By characters: a pattern that takes strings whole uses the stack itself. */
function isDeeper(text: string): boolean {
  let depth = 0;
  let isString = false;
  for (let at = 0; at < text.length; at++) {
    const one = text[at];
    if (isString) {
      if (one === '\\') at++;
      else if (one === '"') isString = false;
    } else if (one === '"') isString = true;
    else if (one === '[' || one === '{') {
      depth++;
      if (depth > DEEPEST) return true;
    } else if (one === ']' || one === '}') depth--;
  }
  return false;
}
