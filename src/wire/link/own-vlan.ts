/**
 * A filter that lets pass what is on the interface's own segment.
 *
 * A tagged frame of a VLAN that has no interface of its own comes up on the interface below without its tag: the kernel
 * only marks it as another station's, as it never does with a frame to all, to a group, or to the interface's address
 * (net/core/dev.c, `check_vlan_id`). Where the VLAN has an interface, the one below hears a copy that belongs to the other
 * interface. A frame tagged with VLAN 0 bears a priority and nothing else.
 */

import type { Libc } from '../../base/libc/libc.js';
import { type Mac, writeMac } from '../aoe/ethernet.js';
import { attachFilter, KNOWN, Op, type Step } from './socket-filter.js';

const PACKET_TYPE = KNOWN + 4;
const INTERFACE = KNOWN + 8;
const VLAN_TAG = KNOWN + 44;
const VLAN_TAG_PRESENT = KNOWN + 48;
const RANDOM = KNOWN + 56;
const PACKET_OTHERHOST = 3;
const VLAN_ID = 0xfff;

/** How much of a station passes. */
export interface Quota {
  mac: Mac;
  /** Part of its frames, 0 to 1; which ones is chance. */
  part: number;
}

export interface Quotas {
  /** 24 at most. */
  stations: readonly Quota[];
  /** Part of the frames of all others. */
  others: number;
}

export const NO_QUOTAS: Quotas = { stations: [], others: 1 };

/**
 * Has a socket hear its own segment alone.
 * @param mac the interface's @param index its number @param quotas of stations that pass in part
 * @returns false as `attachFilter`
 */
export function hearOwnVlan(c: Libc, fd: number, mac: Mac, index: number, quotas = NO_QUOTAS): boolean {
  const bytes = Buffer.alloc(6);
  writeMac(mac, bytes, 0);
  return attachFilter(c, fd, [
    ...quotaSteps(quotas),
    [Op.loadWord, INTERFACE, undefined, undefined, 'segment'],
    [Op.jumpEqual, index, undefined, 'drop'],
    // Old kernels and switch chips leave the tag beside the frame.
    [Op.loadWord, VLAN_TAG_PRESENT],
    [Op.jumpEqual, 0, 'untagged'],
    [Op.loadWord, VLAN_TAG],
    [Op.and, VLAN_ID],
    [Op.jumpEqual, 0, undefined, 'drop'],
    [Op.loadWord, PACKET_TYPE, undefined, undefined, 'untagged'],
    [Op.jumpEqual, PACKET_OTHERHOST, undefined, 'pass'],
    [Op.loadByte, 0],
    [Op.jumpSet, 1, 'drop'],
    // Really for another station: whoever listens judges that.
    [Op.loadWord, 0],
    [Op.jumpEqual, bytes.readUInt32BE(0), undefined, 'pass'],
    [Op.loadHalf, 4],
    [Op.jumpEqual, bytes.readUInt16BE(4), 'drop', 'pass'],
  ]);
}

function quotaSteps({ stations, others }: Quotas): Step[] {
  // To look at chance costs each frame a call.
  const rest: Step[] = others < 1 ? chance(others, 'others') : [];
  const label = (index: number): string =>
    index < stations.length ? `quota ${index}` : rest.length > 0 ? 'others' : 'segment';
  return [
    ...stations.flatMap(({ mac, part }, index): Step[] => {
      const bytes = Buffer.alloc(6);
      writeMac(mac, bytes, 0);
      return [
        [Op.loadWord, 6, undefined, undefined, label(index)],
        [Op.jumpEqual, bytes.readUInt32BE(0), undefined, label(index + 1)],
        [Op.loadHalf, 10],
        [Op.jumpEqual, bytes.readUInt16BE(4), undefined, label(index + 1)],
        ...chance(part),
      ];
    }),
    ...rest,
  ];
}

/** Goes on with a part of the frames. */
function chance(part: number, label?: string): Step[] {
  return [
    [Op.loadWord, RANDOM, undefined, undefined, label],
    [Op.jumpGreater, Math.floor(part * 0xffff_ffff), 'drop', 'segment'],
  ];
}
