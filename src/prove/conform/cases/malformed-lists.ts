import { type ConformCase, must } from '../case.js';
import { harmless } from './malformed-harmless.js';

export const malformedLists: ConformCase[] = [
  must(
    'malformed.Mask.BeyondFrame',
    'More directives than the frame holds are not carried out',
    'AoE 3.3',
    async (probe) => {
      const bytes = probe.to.mask(1, [{ dcmd: 1, mac: probe.own }]);
      bytes[27] = 255;
      await probe.untilQuiet(bytes);
      const list = probe.maskList(await probe.ask(probe.to.mask(0)));
      probe.isTrue(
        list.every((mac) => mac === probe.own),
        `${list.length} addresses are listed`,
      );
    },
    'masks',
  ),
  must(
    'malformed.Mask.NoDirectives',
    'A count of 255 without any directive does no harm',
    'AoE 3.3',
    harmless((probe) => {
      const bytes = probe.to.mask(1);
      bytes[27] = 255;
      return [bytes, bytes.subarray(0, 28)];
    }),
  ),
  must(
    'malformed.Reserve.BeyondFrame',
    'More addresses than the frame holds are refused',
    'AoE 3.4',
    async (probe) => {
      const bytes = probe.to.reserve(1, [probe.own]);
      bytes[25] = 255;
      await probe.refusedOrSilent(bytes);
      probe.sameList(probe.reservation(await probe.ask(probe.to.reserve(0))), [], 'reservation');
    },
    'reservations',
  ),
  must(
    'malformed.Reserve.NoAddresses',
    'A count of 255 without any address does no harm',
    'AoE 3.4',
    harmless((probe) => {
      const bytes = probe.to.reserve(1);
      bytes[25] = 255;
      return [bytes.subarray(0, 26)];
    }),
  ),
  must(
    'malformed.Reserve.Longest',
    'A reservation for 255 does no harm',
    'AoE 3.4',
    harmless((probe) => {
      const macs = Array.from({ length: 254 }, (_, index) => 0x02_00_00_0c_00_00 + index);
      return [probe.to.reserve(1, [probe.own, ...macs])];
    }),
    'jumbo',
  ),
];
