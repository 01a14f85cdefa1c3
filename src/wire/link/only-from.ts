import { type Mac, readMac } from '../aoe/ethernet.js';
import type { FrameListener, Link } from './link.js';

/**
 * A link that hears one station alone, on a segment that others use as well.
 * @param etherType what it sends to all. Default: everything
 */
export function onlyFrom(link: Link, mac: Mac, etherType?: number): Link {
  let listener: FrameListener | undefined;
  link.onFrame = (frame) => {
    if (readMac(frame, 6) === mac) listener?.(frame);
  };
  return {
    name: link.name,
    mac: link.mac,
    mtu: link.mtu,
    get onFrame() {
      return listener;
    },
    set onFrame(heard) {
      listener = heard;
    },
    get trouble() {
      return link.trouble;
    },
    send: (frame) => (etherType === undefined || typeOf(frame) === etherType ? link.send(frame) : true),
    close: () => link.close(),
  };
}

function typeOf(frame: Uint8Array): number {
  return ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);
}
