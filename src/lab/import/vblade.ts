/**
 * Debian's vblade: a file an export in `/etc/vblade.conf.d/`, a shell fragment that sets shelf, slot, netif, filename,
 * options and ionice (vblade-persistence(5); read by the package's systemd generator and init script).
 */
import {
  addressPart,
  type Found,
  type FoundExport,
  normalMac,
  type Place,
  type Remark,
  wholeNumber,
} from './found.js';
import { parseAssignments } from './shell.js';

const NEEDED = ['shelf', 'slot', 'netif', 'filename'] as const;

export function parseVblade(file: string, text: string): Found {
  const remarks: Remark[] = [];
  const set = new Map(parseAssignments(file, text, remarks).map((one) => [one.name, one]));
  const missing = NEEDED.filter((name) => (set.get(name)?.value ?? '') === '');
  if (missing.length > 0) {
    // As the package itself does: its skeleton, say, exports nothing.
    if (set.size > 0)
      remarks.push({ file, text: `it sets no ${missing.join(', ')}, and so exports nothing` });
    return { exports: [], remarks };
  }
  const value = (name: (typeof NEEDED)[number]): string => set.get(name)?.value ?? '';
  const placed = (name: string): Place => ({ file, line: set.get(name)?.line ?? 1 });
  const shelf = addressPart('shelf', value('shelf'), placed('shelf'), remarks);
  const slot = addressPart('slot', value('slot'), placed('slot'), remarks);
  const given = set.get('options');
  const options = given === undefined ? {} : parseOptions(given.value, given, remarks);
  for (const one of set.values()) {
    if (([...NEEDED, 'options'] as string[]).includes(one.name)) continue;
    const text =
      one.name === 'ionice'
        ? `ionice ${one.value}: its process gets no I/O priority here`
        : `${one.name} means nothing to vblade`;
    remarks.push({ file, line: one.line, text });
  }
  if (shelf === undefined || slot === undefined) return { exports: [], remarks };
  const found: FoundExport = {
    implementation: 'vblade',
    shelf,
    slot,
    iface: value('netif'),
    path: value('filename'),
    options,
    // The package's unit has Restart=always, and is started at boot.
    restart: 'on-failure',
    persist: true,
    place: placed('filename'),
  };
  return { exports: [found], remarks };
}

/** vblade's own options, in the ways of getopt(3): `-dr`, `-b 16`, `-b16`. */
function parseOptions(text: string, { file, line }: Place, remarks: Remark[]): FoundExport['options'] {
  const place = { file, ...(line === undefined ? {} : { line }) };
  const options: FoundExport['options'] = {};
  const words = text.split(/\s+/).filter((word) => word !== '');
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string;
    if (!/^-./.test(word)) {
      remarks.push({ ...place, text: `option ${JSON.stringify(word)} is none of vblade's` });
      continue;
    }
    for (let at = 1; at < word.length; at++) {
      const letter = word[at] as string;
      if (!'bmol'.includes(letter)) {
        flag(letter, options, place, remarks);
        continue;
      }
      const argument = word.slice(at + 1) || (words[++index] ?? '');
      withArgument(letter, argument, options, place, remarks);
      break;
    }
  }
  return options;
}

function flag(letter: string, options: FoundExport['options'], place: Place, remarks: Remark[]): void {
  if (letter === 'd') options.directIo = true;
  else if (letter === 's') options.sync = true;
  else if (letter === 'r') options.readOnly = true;
  else remarks.push({ ...place, text: `option -${letter} is none of vblade's` });
}

function withArgument(
  letter: string,
  argument: string,
  options: FoundExport['options'],
  place: Place,
  remarks: Remark[],
): void {
  if (letter === 'm') {
    const macs = argument.split(',').flatMap((one) => {
      const mac = normalMac(one);
      if (mac === undefined)
        remarks.push({ ...place, text: `-m: ${JSON.stringify(one)} is no MAC address: left out` });
      return mac === undefined ? [] : [mac];
    });
    if (macs.length > 0) options.macs = macs;
    return;
  }
  const name = ({ b: 'bufferCount', o: 'offset', l: 'length' } as const)[letter as 'b' | 'o' | 'l'];
  const value = wholeNumber(`-${letter}`, argument, name === 'offset' ? 0 : 1, place, remarks);
  if (value !== undefined) options[name] = value;
}
