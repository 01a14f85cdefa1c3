/** Gentoo's and Alpine's `/etc/conf.d/vblade`: `config_NAME="[options] SHELF SLOT IF PATH"`, read by an OpenRC script. */
import { attempt, Doubt, type Draft, type Found, nothingFound } from './found.js';
import { readScript } from './shell/script.js';
import { Variables } from './shell/values.js';
import { vbladeCommand } from './vblade-command.js';

/** Names of what an OpenRC script may start its program with, or as whom. */
const CHANGING =
  /opt|arg|flag|user|group|chroot|mask|mac|allow|acl|capab|secbits|umask|command|daemon|start_stop|supervise/i;

export function isConfD(text: string): boolean {
  return /^[ \t]*(export[ \t]+)?config_\w+=/m.test(text);
}

export function parseConfD(file: string, text: string, homes?: ReadonlyMap<string, string>): Found {
  const found = nothingFound();
  const script = readScript(text, new Variables(homes));
  const { variables, unreadable, end = script.strict } = script;
  const names = new Set(
    [...text.matchAll(/^[ \t]*(?:export[ \t]+)?(config_\w+)=/gm)].map(([, name]) => name as string),
  );
  const others = new Set(
    [...text.matchAll(/^[ \t]*(?:export[ \t]+)?(\w+)\+?=/gm)].map(([, name]) => name as string),
  );
  const odd: string[] = [];
  for (const name of others) {
    // What values are made of is known with them; OpenRC's own are for the order of services.
    const isUsed = new RegExp(`\\$\\{?${name}\\b`).test(text);
    if (names.has(name) || name.startsWith('rc_') || isUsed) continue;
    const value = variables.get(name);
    const isPlain = value !== undefined && 'text' in value && !/(^|\s)-/.test(value.text);
    if (!isPlain || CHANGING.test(name)) odd.push(name);
    else
      found.remarks.push({
        file,
        line: lineOf(text, name),
        text: `${name} is none of its service's: passed over`,
      });
  }
  for (const name of names) {
    const line = lineOf(text, name);
    const draft: Draft = { implementation: 'vblade', place: { file, line }, persist: true };
    attempt(found, draft, () => {
      if (unreadable !== undefined)
        throw new Doubt({ file, line: unreadable.line }, `a shell can't read the file: ${unreadable.text}`);
      if (end !== undefined) throw new Doubt({ file, line: end.line }, 'it may end the shell that reads it');
      const [strange] = odd;
      if (strange !== undefined)
        throw new Doubt(
          { file, line: lineOf(text, strange) },
          `${strange} may change what its service starts`,
        );
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

function lineOf(text: string, name: string): number {
  const before = text.slice(0, text.search(new RegExp(`^[ \\t]*(export[ \\t]+)?${name}\\+?=`, 'm')));
  return before.split('\n').length;
}
