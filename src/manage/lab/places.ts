/** Where the exports of a lab are to be served, against what its hosts have there; no I/O. */

import { withoutBreaks } from '../../base/escape.js';
import { chooseInterface, findInterface } from '../../hosts/host/interface-choice.js';
import type { InterfaceFacts } from '../../hosts/host/interface-facts.js';
import { linkObjection, macvlanObjection } from '../../hosts/host/interface-objection.js';
import {
  describeForeign,
  type ForeignTarget,
  mayAnswer,
  wayOut,
} from '../../serve/exports/foreign-target.js';
import { isAllowed } from '../../serve/exports/suitability.js';
import type { LabExport } from './lab.js';

/** One network namespace of a host. */
export interface HostPlace {
  netns: string | undefined;
  interfaces: readonly InterfaceFacts[];
  foreign: readonly ForeignTarget[];
  /** Why nothing is known of it, and what to do. */
  fault?: { happened: string; next: string | null };
}

/** The real name of an interface that is called by an altname; others as they are. */
export function realName(
  places: readonly HostPlace[] | undefined,
  netns: string | undefined,
  iface: string,
): string {
  const place = places?.find((one) => one.netns === netns);
  return findInterface(place?.interfaces ?? [], iface)?.name ?? iface;
}

/** What keeps an export from being made there, in the words of what would make it; undefined if nothing does. */
export function placeTrouble(
  places: readonly HostPlace[] | undefined,
  one: LabExport,
  isNew: boolean,
): { happened: string; next: string | null } | undefined {
  const place = places?.find(({ netns }) => netns === one.netns);
  if (place === undefined) return undefined;
  const { netns, interfaces, foreign, fault } = place;
  if (fault !== undefined) return fault;
  const choice = chooseInterface(interfaces, one.iface, { netns, verb: 'export on' });
  if ('happened' in choice)
    return { happened: `interface ${one.iface}: ${choice.happened}`, next: choice.next };
  const { facts } = choice;
  const objection = isNew
    ? (macvlanObjection(facts, interfaces) ?? linkObjection(facts, interfaces, netns))
    : undefined;
  if (objection !== undefined) return objection;
  const rival = isAllowed('address', one.allow)
    ? undefined
    : foreign.find((target) => mayAnswer(target, one.address, facts.index));
  if (rival === undefined) return undefined;
  return {
    happened: withoutBreaks(describeForeign(rival, one.address, facts.name)),
    next: wayOut(rival, one.address),
  };
}
