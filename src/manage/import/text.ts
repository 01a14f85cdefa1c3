/** Text of files that others wrote. */

/** What stands for a byte that belongs to no UTF-8: a half of a surrogate pair, which no UTF-8 holds. */
const BYTE = 0xdc00;
const BYTES = /[\udc80-\udcff]/;

/** Decodes a file. Bytes of lines that are not UTF-8 are kept, each as a character of its own, so that nothing is confused. */
export function decode(bytes: Buffer): string {
  if (isValid(bytes)) return bytes.toString();
  return bytes
    .toString('latin1')
    .split('\n')
    .map((line) => {
      const own = Buffer.from(line, 'latin1');
      if (isValid(own)) return own.toString();
      return line.replaceAll(/[\x80-\xff]/g, (byte) => String.fromCharCode(BYTE + byte.charCodeAt(0)));
    })
    .join('\n');
}

/** Whether a text of `decode` was UTF-8. */
export function isUtf8(text: string): boolean {
  return !BYTES.test(text);
}

/** Line of the first byte that is no UTF-8, from 1. */
export function badLine(text: string): number | undefined {
  const index = text.search(BYTES);
  return index < 0 ? undefined : text.slice(0, index).split('\n').length;
}

/** Also a byte order mark is kept: no target skips one. */
function isValid(bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
