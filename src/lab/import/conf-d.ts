/** Gentoo's and Alpine's `/etc/conf.d/vblade`: `config_NAME="[options] SHELF SLOT IF PATH"`, read by an OpenRC script. */
import { attempt, Doubt, type Draft, type Found, nothingFound } from './found.js';
import { readScript } from './shell/script.js';
import { Variables } from './shell/values.js';
import { vbladeCommand } from './vblade-command.js';

export function isConfD(text: string): boolean {
  return /^[ \t]*(export[ \t]+)?config_\w+=/m.test(text);
}

export function parseConfD(file: string, text: string, homes?: ReadonlyMap<string, string>): Found {
  const found = nothingFound();
  const { variables, unreadable, end } = readScript(text, new Variables(homes));
  const names = new Set(
    [...text.matchAll(/^[ \t]*(?:export[ \t]+)?(config_\w+)=/gm)].map(([, name]) => name as string),
  );
  for (const name of names) {
    const line = text
      .slice(0, text.search(new RegExp(`^[ \\t]*(export[ \\t]+)?${name}=`, 'm')))
      .split('\n').length;
    const draft: Draft = { implementation: 'vblade', place: { file, line }, persist: true };
    attempt(found, draft, () => {
      if (unreadable !== undefined)
        throw new Doubt({ file, line: unreadable.line }, `a shell can't read the file: ${unreadable.text}`);
      if (end !== undefined) throw new Doubt({ file, line: end.line }, 'it may end the shell that reads it');
      const value = variables.get(name) ?? { unknown: `${name} is not set for sure` };
      const one = vbladeCommand(variables.split(value), draft);
      // Its script knows -b, -d, -s, -r and -m, and takes what follows another for the address.
      if (one.options.offset !== undefined || one.options.length !== undefined) {
        throw new Doubt(draft.place, 'its service does not know -o and -l');
      }
      return one;
    });
  }
  return found;
}
