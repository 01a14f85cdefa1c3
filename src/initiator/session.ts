import type { Address } from '../aoe/index.js';
import type { Link } from '../link/link.js';
import { openPacketLink, type PacketLinkOptions } from '../link/packet.js';
import { openTarget } from './open.js';
import type { Target } from './target.js';

/** Where a target is looked for. */
export interface Place {
  /** An interface, or several that lead to the same device: paths. */
  iface: string | readonly string[];
  /** Network namespace that they are in; the process's own otherwise. */
  netns?: string | undefined;
}

/** Runs `body` with a link to an interface, and closes it in any case. */
export async function withLink<T>(place: PacketLinkOptions, body: (link: Link) => Promise<T>): Promise<T> {
  const link = await openPacketLink(place);
  try {
    return await body(link);
  } finally {
    await link.close();
  }
}

/** Runs `body` with a session to a target that is found on one or several interfaces. */
export async function withTarget<T>(
  { iface, netns }: Place,
  address: Address,
  body: (target: Target) => Promise<T>,
): Promise<T> {
  const links: Link[] = [];
  try {
    for (const name of new Set(typeof iface === 'string' ? [iface] : iface)) {
      links.push(await openPacketLink({ iface: name, netns }));
    }
    return await body(await openTarget(links, address));
  } finally {
    await Promise.all(links.map((link) => link.close()));
  }
}
