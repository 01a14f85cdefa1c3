/** The words that vblade is started with: options in the ways of getopt(3), also behind operands (aoe.c: main, setmask). */
import type { ExportOptions } from '../../serve/exports/entry.js';
import {
  addressPart,
  Doubt,
  type Draft,
  type FoundExport,
  type Place,
  unusable,
  wholeNumber,
} from './found.js';
import type { Value } from './shell/values.js';

const FLAGS: Readonly<Record<string, keyof ExportOptions>> = { d: 'directIo', s: 'sync', r: 'readOnly' };
const NUMBERS: Readonly<Record<string, [name: keyof ExportOptions, min: number]>> = {
  b: ['bufferCount', 1],
  o: ['offset', 0],
  l: ['length', 1],
};
const OPERANDS = ['shelf', 'slot', 'iface', 'path'] as const;

/**
 * @param words without the program's name
 * @throws Doubt unless vblade would take all of them, and all of them can be told
 */
export function vbladeCommand(words: readonly Value[], draft: Draft): FoundExport {
  const { place } = draft;
  const operands: Value[] = [];
  const options: ExportOptions = {};
  const doubts: string[] = [];
  const unknown = new Set<string>();
  let isRest = false;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as Value;
    if ('unknown' in word) {
      // It may stand for any number of words, options among them.
      unknown.add(word.unknown);
      operands.push(word);
    } else if (isRest || !/^-./s.test(word.text)) operands.push(word);
    else if (word.text === '--') isRest = true;
    else {
      const { text } = word;
      for (let at = 1; at < text.length; at++) {
        const letter = text[at] as string;
        const flag = Object.hasOwn(FLAGS, letter) ? FLAGS[letter] : undefined;
        if (flag !== undefined) Object.assign(options, { [flag]: true });
        else if (!'bmol'.includes(letter)) doubts.push(`option -${letter} is none of vblade's`);
        else {
          const argument = at + 1 < text.length ? { text: text.slice(at + 1) } : words[++index];
          try {
            takeArgument(letter, argument, options, place);
          } catch (error) {
            if (!(error instanceof Doubt)) throw error;
            doubts.push(error.message);
          }
          break;
        }
      }
    }
  }
  fill(draft, operands);
  if (unknown.size > 0)
    doubts.unshift(`what vblade is started with can't be told: ${[...unknown].join(', ')}`);
  if (doubts.length > 0) throw new Doubt(place, doubts.join('; '));
  if (operands.length !== OPERANDS.length) {
    throw new Doubt(place, `vblade takes SHELF SLOT INTERFACE FILE, and would get ${operands.length} words`);
  }
  const [shelf, slot, iface, path] = operands.map((value) => ('text' in value ? value.text : '')) as [
    string,
    string,
    string,
    string,
  ];
  return {
    ...draft,
    shelf: addressPart('shelf', shelf, place),
    slot: addressPart('slot', slot, place),
    iface,
    path,
    options,
  };
}

/** What is known of the operands although the export can't be taken over. */
function fill(draft: Draft, operands: readonly Value[]): void {
  const known = operands.flatMap((one) => ('text' in one ? [one.text] : []));
  const before = operands.findIndex((one) => 'unknown' in one);
  const sure = known.length === OPERANDS.length || before < 0 ? known : known.slice(0, before);
  for (const [index, text] of sure.entries()) {
    const name = OPERANDS[index];
    if (name === 'iface' || name === 'path') draft[name] = text;
    else if (name !== undefined && /^\d{1,5}$/.test(text)) draft[name] = Number(text);
  }
}

function takeArgument(letter: string, value: Value | undefined, options: ExportOptions, place: Place): void {
  if (value === undefined || 'unknown' in value) {
    throw new Doubt(place, `-${letter} can't be told: ${value?.unknown ?? 'nothing follows it'}`);
  }
  const number = NUMBERS[letter];
  if (number !== undefined) {
    const [name, min] = number;
    Object.assign(options, { [name]: wholeNumber(`-${letter}`, value.text, min, place) });
    return;
  }
  // Each -m adds to those before it.
  options.macs = [...new Set([...(options.macs ?? []), ...macList(value.text, place)])];
}

/** vblade takes two digits a byte, with colons or without; what it can't read it passes over, and an empty list admits all. */
export function macList(text: string, place: Place): string[] {
  const macs = text
    .split(',')
    .filter((one) => one !== '')
    .map((one) => {
      const digits = /^(?:[0-9a-f]{2}:?){5}[0-9a-f]{2}$/i.test(one)
        ? one.toLowerCase().match(/[0-9a-f]{2}/g)
        : null;
      if (digits === null)
        throw new Doubt(place, `${JSON.stringify(one)} is no MAC address that vblade reads`);
      const mac = digits.join(':');
      const why = unusable(mac);
      if (why !== undefined) throw new Doubt(place, `its list names ${mac}: ${why}`);
      return mac;
    });
  if (macs.length === 0) throw new Doubt(place, 'its list of MAC addresses is empty, and vblade admits all');
  return macs;
}
