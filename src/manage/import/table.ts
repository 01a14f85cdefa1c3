/** Fedora's and Ubuntu's `/etc/vblade.conf`: a line an export, `IF SHELF SLOT PATH [MAC[,MAC…]]`, and comments. */
import { attempt, Doubt, type Draft, type Found, nothingFound } from './found.js';
import { vbladeCommand } from './vblade-command.js';

const LINE = /^\s*[^\s#=]+\s+\d+\s+\d+\s+\S+/m;

export function isTable(text: string): boolean {
  return LINE.test(text);
}

export function parseTable(file: string, text: string): Found {
  const found = nothingFound();
  for (const [index, raw] of text.split('\n').entries()) {
    const place = { file, line: index + 1 };
    const words = raw
      .replace(/(^|\s)#.*$/, '')
      .split(/\s+/)
      .filter((word) => word !== '');
    if (words.length === 0) continue;
    const [iface = '', shelf = '', slot = '', path = '', macs, ...more] = words;
    const draft: Draft = { implementation: 'vblade', place, persist: true };
    attempt(found, draft, () => {
      const mask = macs === undefined ? [] : ['-m', macs];
      const values = [...mask, '--', shelf, slot, iface, path].map((text) => ({ text }));
      const one = vbladeCommand(values, draft);
      if (path === '' || more.length > 0) throw new Doubt(place, 'it is not IF SHELF SLOT PATH [MAC,…]');
      // The service's script reads the line by a shell, and may take a # within a word for a comment.
      const odd = words.find((word) => /["'`$\\*?[\]{};&|<>()#~]|^-/.test(word));
      if (odd !== undefined)
        throw new Doubt(place, `${odd} may mean something else to the shell that reads it`);
      return one;
    });
  }
  return found;
}
