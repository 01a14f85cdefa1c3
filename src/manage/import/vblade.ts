/**
 * Debian's vblade: a file an export in `/etc/vblade.conf.d/`, a shell fragment that sets shelf, slot, netif, filename,
 * options and ionice (vblade-persistence(5); read by the package's systemd generator and init script).
 */
import { attempt, Doubt, type Draft, type Found, nothingFound, type Place } from './found.js';
import { readScript } from './shell/script.js';
import { type Value, Variables } from './shell/values.js';
import { vbladeCommand } from './vblade-command.js';

const NEEDED = ['shelf', 'slot', 'netif', 'filename'] as const;

/** @param homes folders of users, by their names; that of '' is root's */
export function parseVblade(file: string, text: string, homes?: ReadonlyMap<string, string>): Found {
  const found = nothingFound();
  const script = readScript(text, new Variables(homes));
  const { commands, variables, end = script.strict, unreadable } = script;
  const lineOf = (name: string): number | undefined => {
    const index = text.split('\n').findLastIndex((line) => new RegExp(`(^|[\\s;])${name}\\+?=`).test(line));
    return index < 0 ? undefined : index + 1;
  };
  const placed = (name: string): Place => ({ file, line: lineOf(name) ?? 1 });
  for (const { line } of commands) found.remarks.push({ file, line, text: 'what it runs is passed over' });
  const given = NEEDED.map((name) => variables.get(name));
  if (given.every((value) => value === undefined)) {
    // Its skeleton of comments needs no words.
    const why =
      unreadable === undefined
        ? 'it sets neither shelf nor slot'
        : `a shell can't read it: ${unreadable.text}`;
    if (unreadable !== undefined || commands.length > 0)
      found.remarks.push({ file, text: `${why}, and exports nothing` });
    return found;
  }
  // The package's own service sets it up to be started again and at boot.
  const draft: Draft = {
    implementation: 'vblade',
    place: placed('filename'),
    restart: 'on-failure',
    persist: true,
  };
  attempt(found, draft, () => {
    if (unreadable !== undefined) {
      throw new Doubt({ file, line: unreadable.line }, `a shell can't read the file: ${unreadable.text}`);
    }
    if (end !== undefined) throw new Doubt({ file, line: end.line }, 'it may end the shell that reads it');
    const missing = NEEDED.filter((name) => isEmpty(variables.get(name)));
    if (missing.length > 0)
      throw new Doubt({ file }, `it sets no ${missing.join(', ')}, and so exports nothing`);
    // The package leaves all of them without quotes.
    const split = (value: Value): Value[] => variables.split(value);
    const [shelf, slot, netif, filename] = given as [Value, Value, Value, Value];
    const options = variables.get('options') ?? { text: '' };
    if (variables.get('options') !== undefined) draft.place = placed('options');
    const words = [
      ...[shelf, slot, netif].flatMap(split),
      ...named(filename, split(filename)),
      ...split(options),
    ];
    return { ...vbladeCommand(words, draft), place: placed('filename') };
  });
  const ionice = variables.get('ionice');
  if (ionice !== undefined && 'text' in ionice && ionice.text !== '') {
    const text = `ionice ${ionice.text}: its process gets no I/O priority here`;
    found.remarks.push({ ...placed('ionice'), text });
  }
  return found;
}

function isEmpty(value: Value | undefined): boolean {
  return value === undefined || ('text' in value && value.text === '');
}

/** A name that holds a space is one name all the same, unless vblade would find an option in it. */
function named(value: Value, pieces: readonly Value[]): readonly Value[] {
  return pieces.every((one) => 'text' in one && !one.text.startsWith('-')) ? [value] : pieces;
}
