import {
  ALL_SHELVES,
  ALL_SLOTS,
  BROADCAST,
  type Mac,
  MaskCommand,
  ReserveCommand,
} from '../../../wire/aoe/index.js';
import { type ConformCase, type Need, should } from '../case.js';
import type { Frames, Overrides } from '../frames.js';
import { OTHER, type Probe } from '../probe.js';

/** Requests that don't name one target: to every station, or to every export of one. */
const ASTRAY: readonly Overrides[] = [
  { destination: BROADCAST },
  { major: ALL_SHELVES },
  { minor: ALL_SLOTS },
  { destination: BROADCAST, major: ALL_SHELVES, minor: ALL_SLOTS },
];

/** What changes something is asked of one station and one export; asked of all, it changes nothing. */
function astray(
  name: string,
  what: string,
  build: (to: Frames, over: Overrides, own: Mac) => Buffer,
  unchanged: (probe: Probe) => Promise<void>,
  { needs, specs = ASTRAY }: { needs?: Need; specs?: readonly Overrides[] } = {},
): ConformCase {
  const run = async (probe: Probe): Promise<void> => {
    for (const over of specs) {
      await probe.untilQuiet(build(probe.to, over, probe.own));
      await unchanged(probe);
    }
  };
  const whom = specs === ASTRAY ? 'the broadcast MAC, all shelves or all slots' : 'all shelves or all slots';
  const rule = `${what} to ${whom} changes nothing`;
  return should(`addressing.Directed.${name}`, rule, 'AoE 2.5', run, needs);
}

export const directed: ConformCase[] = [
  astray(
    'Write',
    'A write',
    (to, over) => to.write(0, Buffer.alloc(512, 0xdb), true, over),
    (probe) => probe.fileUntouched(),
  ),
  astray(
    'ConfigString',
    'Setting the config string',
    (to, over) => to.config(4, 'to all', over),
    async (probe) => {
      const string = probe.configString(await probe.ask(probe.to.config()));
      probe.equal(string.toString('latin1'), '', 'config string');
    },
    // aoecfg sets the string of one shelf and slot by broadcast.
    { specs: ASTRAY.slice(1) },
  ),
  astray(
    'Masks',
    'An edit of the mask list',
    // Both addresses: a target that takes it has to hear us afterwards.
    (to, over, own) =>
      to.mask(
        MaskCommand.edit,
        [OTHER, own].map((mac) => ({ dcmd: 1, mac })),
        over,
      ),
    async (probe) => {
      const list = probe.maskList(await probe.ask(probe.to.mask(MaskCommand.read)));
      probe.sameList(list, [], 'list');
    },
    { needs: 'masks' },
  ),
  astray(
    'Reservation',
    'A reservation',
    (to, over) => to.reserve(ReserveCommand.forceSet, [OTHER], over),
    async (probe) => {
      const answer = await probe.ask(probe.to.reserve(ReserveCommand.read));
      probe.sameList(probe.reservation(answer), [], 'reservation');
    },
    { needs: 'reservations' },
  ),
];
