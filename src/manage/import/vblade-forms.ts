/** The forms that configurations of vblade have, told apart by what a file holds. */
import { parseScript } from './commands.js';
import { isConfD, parseConfD } from './conf-d.js';
import type { Found } from './found.js';
import { Variables } from './shell/values.js';
import { isTable, parseTable } from './table.js';
import { isUci, parseUci } from './uci.js';
import { parseUnit } from './unit.js';
import { parseVblade } from './vblade.js';

/** @param homes folders of users, by their names; that of '' is root's */
export function parseVbladeFile(file: string, text: string, homes: ReadonlyMap<string, string>): Found {
  const said = text.replaceAll(/^[ \t]*[#;].*$/gm, '');
  if (/^[ \t]*\[(Unit|Service)\]/m.test(said)) return parseUnit([{ file, text }], true);
  if (isUci(said)) return parseUci(file, text);
  if (isConfD(said)) return parseConfD(file, text, homes);
  if (/^#!/.test(text) || /(^|[\s/;&|"'])(vbladed?|vblade-persist)[ \t"']/m.test(said)) {
    return parseScript({ file, facts: { persist: true } }, text, new Variables(homes));
  }
  if (!/(^|[\s;])(shelf|slot|netif|filename)=/m.test(said) && isTable(said)) return parseTable(file, text);
  return parseVblade(file, text, homes);
}
