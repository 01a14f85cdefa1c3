/** OpenWrt's `/etc/config/vblade`: sections `config vblade` with options shelf, slot, netif and device. */
import { attempt, Doubt, type Draft, type Found, nothingFound } from './found.js';
import { vbladeCommand } from './vblade-command.js';

const KNOWN = ['shelf', 'slot', 'netif', 'device'] as const;
/** A word, quoted as UCI takes it. */
const WORD = /'([^']*)'|"([^"\\]*)"|([^\s'"#\\]+)/;
const LINE = new RegExp(
  `^\\s*(?:${WORD.source})(?:\\s+(?:${WORD.source}))?(?:\\s+(?:${WORD.source}))?\\s*(?:#.*)?$`,
);

interface Section {
  line: number;
  options: Map<string, string>;
  doubt?: string;
}

export function isUci(text: string): boolean {
  return /^\s*config\s+['"]?vblade['"]?(\s|$)/m.test(text);
}

export function parseUci(file: string, text: string): Found {
  const found = nothingFound();
  for (const { line, options, doubt } of sections(text)) {
    const place = { file, line };
    const draft: Draft = { implementation: 'vblade', place, persist: true };
    attempt(found, draft, () => {
      const values = KNOWN.map((name) => ({ text: options.get(name) ?? '' }));
      const one = vbladeCommand([{ text: '--' }, ...values], draft);
      const other = [...options.keys()].find((name) => !(KNOWN as readonly string[]).includes(name));
      if (doubt !== undefined) throw new Doubt(place, doubt);
      if (other !== undefined) throw new Doubt(place, `what the option ${other} changes can't be told`);
      const missing = KNOWN.find((name) => !options.get(name));
      if (missing !== undefined) throw new Doubt(place, `it names no ${missing}`);
      return one;
    });
  }
  return found;
}

function sections(text: string): Section[] {
  const all: Section[] = [];
  let current: Section | undefined;
  for (const [index, raw] of text.split('\n').entries()) {
    if (/^\s*(#.*)?$/.test(raw)) continue;
    const match = LINE.exec(raw);
    const word = (at: number): string | undefined => match?.[at] ?? match?.[at + 1] ?? match?.[at + 2];
    const [keyword, name, value] = [word(1), word(4), word(7)];
    if (keyword === 'config') {
      current = name === 'vblade' ? { line: index + 1, options: new Map() } : undefined;
      if (current !== undefined) all.push(current);
    } else if (current !== undefined) {
      if (keyword === 'option' && name !== undefined && value !== undefined) current.options.set(name, value);
      else current.doubt ??= `line ${index + 1} can't be read`;
    }
  }
  return all;
}
