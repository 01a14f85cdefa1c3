/** What a lab.yaml tells of its import, in comments. */

import { escapeLine } from '../../base/escape.js';
import { formatAddress } from '../../wire/aoe/index.js';
import { yamlText } from '../lab/yaml-text.js';
import { type LeftOut, placeOf } from './found.js';
import { type Told, toldPlace } from './remarks.js';

/** A field that no lab knows: an export that has it still can't be used. */
const TO_COMPLETE = 'to-complete';

/** Puts comments at the head of a lab's text, and what was left out at its end, for a person to complete. */
export function withComments(
  text: string,
  host: string,
  read: readonly string[],
  remarks: readonly Told[],
  leftOut: readonly LeftOut[],
): string {
  const head = [
    `Imported from ${read.join(', ')}.`,
    ...(remarks.length === 0 ? [] : ['What could not be taken over as it is:']),
    ...remarks.map((remark) => `- ${toldPlace(remark)}: ${remark.text}`),
  ];
  const end = text.indexOf('\n') + 1;
  return [text.slice(0, end), comment(head), text.slice(end), ...drafts(host, leftOut)].join('');
}

/** What is known of exports that were left out, as comments that become exports of a lab when they are completed. */
export function drafts(host: string, leftOut: readonly LeftOut[]): string[] {
  if (leftOut.length === 0) return [];
  const head = `Left out. Correct what ${TO_COMPLETE} says, remove it, and take the # away:`;
  const lines = leftOut.flatMap((one) =>
    yamlText([draftOf(host, one)], 0)
      .trimEnd()
      .split('\n'),
  );
  return [comment([head]), comment(lines.map((line) => `  ${line}`))];
}

function draftOf(host: string, one: LeftOut): object {
  const {
    implementation,
    release,
    shelf,
    slot,
    iface,
    netns,
    path,
    loop,
    options,
    restart,
    persist,
    place,
    reason,
  } = one;
  const fields = {
    [TO_COMPLETE]: escapeLine(`${placeOf(place)}: ${reason}`),
    address: shelf === undefined || slot === undefined ? undefined : formatAddress({ shelf, slot }),
    host,
    implementation,
    release,
    interface: iface,
    netns,
    file: path,
    loop,
    restart,
    persist,
    // No lab takes a text for them.
    options:
      options === undefined
        ? `as in ${placeOf(place)}`
        : Object.keys(options).length === 0
          ? undefined
          : options,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function comment(lines: readonly string[]): string {
  return lines.map((line) => `# ${escapeLine(line, Number.POSITIVE_INFINITY)}\n`).join('');
}
