import type { Address } from '../aoe/index.js';
import type { Link } from '../link/link.js';
import { openPacketLink, type PacketLinkOptions } from '../link/packet.js';
import { openTarget } from './open.js';
import type { Target } from './target.js';

/** Runs `body` with a link to an interface, and closes it in any case. */
export async function withLink<T>(place: PacketLinkOptions, body: (link: Link) => Promise<T>): Promise<T> {
  const link = await openPacketLink(place);
  try {
    return await body(link);
  } finally {
    await link.close();
  }
}

/** Runs `body` with a session to a target that is found on an interface. */
export function withTarget<T>(
  place: PacketLinkOptions,
  address: Address,
  body: (target: Target) => Promise<T>,
): Promise<T> {
  return withLink(place, async (link) => body(await openTarget(link, address)));
}
