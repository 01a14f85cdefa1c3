import { MissingError } from '../../base/errors.js';
import type { Address } from '../aoe/index.js';
import type { Link } from '../link/link.js';
import { openPacketLink, type PacketLinkOptions } from '../link/packet.js';
import { type OpenOptions, openTarget } from './open.js';
import { describeStrays } from './strays.js';
import type { Target } from './target.js';

/** Where a target is looked for. */
export interface Place {
  /** An interface, or several that lead to the same device: paths. */
  iface: string | readonly string[];
  /** Network namespace that they are in. Default: the process's own. */
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

/**
 * Runs `body` with a session to a target that is found on one or several interfaces. Of several some may be down: they
 * are taken into use when they come up.
 * @param options `onNote` is told of paths that are down, and of answers that fit no request, as well
 * @throws MissingError if all interfaces are down, and as openPacketLink and openTarget do
 */
export async function withTarget<T>(
  { iface, netns }: Place,
  address: Address,
  body: (target: Target) => Promise<T>,
  options: OpenOptions = {},
): Promise<T> {
  const names = [...new Set(typeof iface === 'string' ? [iface] : iface)];
  const onNote = options.onNote ?? (() => {});
  const links: Link[] = [];
  try {
    for (const name of names) {
      links.push(await openPacketLink({ iface: name, netns, mayBeDown: names.length > 1 }));
    }
    const down = links.filter(({ trouble }) => trouble !== undefined);
    if (down.length === links.length) throw allDown(names);
    for (const { trouble } of down) onNote(`${trouble}: goes by the others until it is up`);
    const target = await openTarget(links, address, options);
    try {
      return await body(target);
    } finally {
      const strays = describeStrays(target.strays);
      if (strays !== undefined) onNote(strays);
    }
  } finally {
    await Promise.all(links.map((link) => link.close()));
  }
}

function allDown(names: readonly string[]): MissingError {
  return new MissingError({
    tried: `opening the interfaces ${names.join(', ')}`,
    happened: 'all of them are down',
    next: `bring one up, in its namespace if it has one: ip link set ${names[0]} up`,
    missing: names,
  });
}
