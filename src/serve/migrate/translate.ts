/** The options of an export in the terms of another target; pure. */
import { allows } from '../../make/recipe/allows.js';
import type { Control, OptionName, Recipe } from '../../make/recipe/schema.js';
import type { ExportEntry, ExportOptions, WireState } from '../exports/entry.js';
import { nameOf } from '../exports/roll-back.js';
import { OPTION_FLAGS } from '../exports/spec.js';

/** A target that an export is to move to. */
export interface Successor {
  implementation: string;
  release: string;
  control: Control;
  quirks: Recipe['quirks'];
}

export interface Translation {
  options: ExportOptions;
  /** What initiators had set and the new target can take. */
  state: WireState | null;
  /** A loop device has to be put between file and target. */
  needsLoop: boolean;
  /** What the export had and the new target can't do, each a sentence; somebody has to agree. */
  losses: string[];
  /** What is done otherwise and changes nothing for initiators. */
  notes: string[];
  /** Why it can't be moved at all. */
  obstacles: string[];
}

/** @param state what initiators have set on it; null if that can't be known */
export function translate(entry: ExportEntry, state: WireState | null, successor: Successor): Translation {
  const { control } = successor;
  const name = `${successor.implementation} ${successor.release}`;
  const { backing } = entry;
  const result: Translation = {
    options: {},
    state,
    needsLoop: false,
    losses: [],
    notes: [],
    obstacles: [],
  };
  translateOptions(entry, successor, name, result);
  translateState(entry, state, successor, name, result);
  if (control.shape === 'control-file') {
    if (entry.netns !== undefined) {
      result.obstacles.push(`a kernel module serves no interface of the namespace ${entry.netns}`);
    }
    if (entry.restart !== undefined) {
      result.losses.push(
        `--restart ${entry.restart}: a kernel module has no process that could be started again`,
      );
    }
  }
  const isSpeakable = allows(control.path, backing.opens);
  const takesIt = isSpeakable && (control.backing === 'file' || backing.kind === 'device');
  if (!takesIt && !backing.loop) {
    if (backing.kind === 'device') result.obstacles.push(`${name} can't take the path ${backing.opens}`);
    else {
      result.needsLoop = true;
      result.notes.push(`${name} gets a loop device on ${backing.name}, which it can't take itself`);
    }
  }
  return result;
}

function translateOptions(entry: ExportEntry, { control }: Successor, name: string, into: Translation): void {
  const { options } = entry;
  const spare = (option: OptionName): boolean =>
    options[option] === undefined && control.options[option] !== undefined;
  for (const option of Object.keys(OPTION_FLAGS) as OptionName[]) {
    const value = options[option];
    if (value === undefined || value === false || (Array.isArray(value) && value.length === 0)) continue;
    if (control.options[option] !== undefined) {
      put(into, option, value, control, name);
      continue;
    }
    const stand = STAND_INS[option];
    if (stand !== undefined && spare(stand) && typeof value === 'number') {
      into.notes.push(`${OPTION_FLAGS[option]} ${value} is given to ${name} as ${OPTION_FLAGS[stand]}`);
      put(into, stand, value, control, name);
    } else if (option === 'offset' || option === 'length') {
      if (isWhole(entry, option, value as number)) continue;
      into.obstacles.push(
        `${name} has no ${OPTION_FLAGS[option]}: initiators would see another device in the place of this one`,
      );
    } else {
      into.losses.push(
        `${OPTION_FLAGS[option]}${shown(value)}: ${name} has nothing like it${DANGERS[option] ?? ''}`,
      );
    }
  }
}

/** How many requests an initiator may have outstanding is told by one of the two where a target has only one. */
const STAND_INS: Partial<Record<OptionName, OptionName>> = {
  queueLength: 'bufferCount',
  bufferCount: 'queueLength',
};

const DANGERS: Partial<Record<OptionName, string>> = {
  readOnly: '; initiators will be able to write',
  macs: '; every initiator on the segment will be served',
  sync: '; what is acknowledged may be in the page cache only',
  lockAccess: '; config string, MAC mask list and reservation can be changed over the wire',
};

function put(
  into: Translation,
  option: OptionName,
  value: NonNullable<ExportOptions[OptionName]>,
  control: Control,
  name: string,
): void {
  const { min = 0, max = Number.MAX_SAFE_INTEGER, powerOfTwo } = control.options[option] ?? {};
  if (Array.isArray(value)) {
    if (value.length > max) {
      into.obstacles.push(
        `${OPTION_FLAGS[option]}: ${name} takes ${max} addresses, and the export has ${value.length}`,
      );
    }
    into.options.macs = value;
  } else if (typeof value === 'number' && option !== 'readOnly') {
    const within = Math.min(max, Math.max(min, value));
    const taken = powerOfTwo ? Math.max(min, 2 ** Math.floor(Math.log2(within))) : within;
    if (taken !== value)
      into.losses.push(`${OPTION_FLAGS[option]} ${value} becomes ${taken}, which ${name} can do`);
    Object.assign(into.options, { [option]: taken });
  } else Object.assign(into.options, { [option]: value });
}

/** Whether an offset or length says nothing: the export is the whole of the file. */
function isWhole({ backing, options }: ExportEntry, option: 'offset' | 'length', value: number): boolean {
  if (option === 'offset') return value === 0;
  return (options.offset ?? 0) === 0 && value * 512 === backing.size;
}

function translateState(
  entry: ExportEntry,
  state: WireState | null,
  successor: Successor,
  name: string,
  into: Translation,
): void {
  const lacks = (conformanceCase: string): boolean =>
    successor.quirks.some(
      ({ releases, cases }) =>
        (releases === undefined || releases.includes(successor.release)) &&
        (cases ?? []).includes(conformanceCase),
    );
  if (state === null) {
    into.losses.push(
      `config string, MAC mask list and reservation that initiators may have set on ${nameOf(entry)} can't be read from this host`,
    );
    return;
  }
  const { configString, masks, reservation } = state;
  const taken = { ...state };
  const listed = successor.control.options.macs?.max ?? Number.MAX_SAFE_INTEGER;
  const room = lacks('masks.Read.Answered')
    ? 0
    : lacks('masks.Add.Several')
      ? 1
      : lacks('masks.List.Many')
        ? listed
        : Number.MAX_SAFE_INTEGER;
  if (masks.length > room) {
    const holds = room === 0 ? 'has none' : `can hold ${room} only`;
    into.losses.push(
      `the MAC mask list ${masks.join(', ')}, set by an initiator: ${name} ${holds}${DANGERS.macs}`,
    );
    taken.masks = [];
  }
  if (reservation.length > 0 && lacks('reserve.Read.Answered')) {
    into.losses.push(
      `the reservation for ${reservation.join(', ')}: ${name} knows none; others will be able to write`,
    );
    taken.reservation = [];
  }
  if (configString !== '' && lacks('persistence.Kill.ConfigString')) {
    into.notes.push(`the config string is carried over, and ${name} forgets it when it ends`);
  }
  into.state = taken;
}

function shown(value: NonNullable<ExportOptions[OptionName]>): string {
  return value === true ? '' : ` ${Array.isArray(value) ? value.join(',') : value}`;
}
