/**
 * Interfaces on which no target is reached, by their facts alone. Which frames an interface's packet sockets still get is
 * decided in the kernel's net/core/dev.c (__netif_receive_skb_core) by the receive handler of what the interface belongs to.
 */
import { type Master, portWords, takesFrames } from '../../base/port-of.js';
import type { InterfaceFacts } from './interface-facts.js';
import { quoteArgv } from './quote.js';

export interface InterfaceObjection {
  happened: string;
  next: string;
}

/** Bytes that follow the Ethernet header in a frame with one sector: AoE header 10, ATA header 12, and the sector. */
export const LEAST_MTU = 22 + 512;

/**
 * Why no frame, or not every frame, reaches a target on this interface; undefined if nothing speaks against it.
 * @param all interfaces of its namespace
 * @param verb in the advice: "export on"
 */
export function interfaceObjection(
  facts: InterfaceFacts,
  all: readonly InterfaceFacts[],
  verb: string,
): InterfaceObjection | undefined {
  const { name, kind, lower } = facts;
  if (facts.type !== 'ether' && facts.type !== 'loopback') {
    return { happened: `${name} is no Ethernet but ${facts.type}`, next: 'take another one' };
  }
  if (name.startsWith('-')) {
    return {
      happened: `targets and tools would take the name ${name} for an option`,
      next: `rename it: ${renameCommand(name)}`,
    };
  }
  const chain = mastersOf(facts, all);
  if (chain.length > 0) return portWords(name, chain, verb);
  const switchPorts = all.filter((one) => one.kind === 'dsa' && one.lower === name).map((one) => one.name);
  if (switchPorts.length > 0) {
    return {
      happened: `${name} leads to a switch chip, and its frames carry that one's tags`,
      next: `${verb} a port of the switch: ${switchPorts.join(', ')}`,
    };
  }
  // drivers/net/ipvlan/ipvlan_core.c: frames to one station go by their IP address; others stay with the interface below.
  if (kind === 'ipvlan' || kind === 'ipvtap') {
    const below = lower ?? 'the interface below it';
    return { happened: `${name} is an ${kind}, which gets IP alone`, next: `${verb} ${below}` };
  }
  // drivers/net/tap.c: what comes in goes to whoever has its device open.
  if (kind === 'macvtap') {
    const way = lower === undefined ? 'a macvlan' : `a macvlan on ${lower}`;
    return { happened: `${name} is a macvtap, whose frames go to a guest`, next: `${verb} ${way}` };
  }
  return undefined;
}

/**
 * A new export on an interface that carries macvlans: other machines reach it, these macvlans never do (drivers/net/macvlan.c
 * sends what they send out by the wire).
 */
export function macvlanObjection(
  { name }: InterfaceFacts,
  all: readonly InterfaceFacts[],
): InterfaceObjection | undefined {
  const above = all.filter((one) => one.kind === 'macvlan' && one.lower === name).map((one) => one.name);
  const [first] = above;
  if (first === undefined) return undefined;
  const command = ['ip', 'link', 'add', 'link', name, 'name', 'NAME', 'type', 'macvlan', 'mode', 'bridge'];
  return {
    happened: `${name} carries the macvlan ${above.join(', ')}, from which nobody would reach it`,
    next: `export on ${first}, or on a macvlan of its own: ${quoteArgv(command)}`,
  };
}

/** An interface whose MTU holds no sector. */
export function mtuObjection({ name, mtu }: InterfaceFacts): InterfaceObjection | undefined {
  if (mtu >= LEAST_MTU) return undefined;
  return {
    happened: `the MTU of ${name} is ${mtu} bytes, and a frame with one sector takes ${LEAST_MTU}`,
    next: quoteArgv(['ip', 'link', 'set', 'dev', name, 'mtu', '1500']),
  };
}

/**
 * Why nothing leaves or reaches an interface that could carry AoE: it is down, or has no carrier.
 * @param all interfaces of its namespace
 */
export function linkObjection(
  facts: InterfaceFacts,
  all: readonly InterfaceFacts[],
  netns: string | undefined,
): InterfaceObjection | undefined {
  const { name, kind, lower, peer } = facts;
  if (!facts.up) return { happened: `the interface ${name} is down`, next: upCommand(name, netns) };
  if (facts.carrier) return undefined;
  const happened = `the interface ${name} has no carrier`;
  if (kind === 'bridge') {
    const ports = all.filter(({ master }) => master?.name === name);
    if (ports.length === 0) return { happened: `${happened}: it has no port`, next: 'add one to it' };
    const [down] = ports.filter(({ up }) => !up);
    const names = ports.map((port) => port.name).join(', ');
    return {
      happened: `${happened}: none of its ports (${names}) has one`,
      next: down === undefined ? 'look at their cables and other ends' : upCommand(down.name, netns),
    };
  }
  if (peer !== undefined) {
    const end = 'name' in peer ? `its other end ${peer.name}` : 'its other end, in another namespace,';
    const next = 'name' in peer ? upCommand(peer.name, netns) : 'bring that up there';
    return { happened: `${happened}: ${end} is down`, next };
  }
  const below = all.find((one) => one.name === lower);
  const why = below === undefined ? undefined : linkObjection(below, all, netns);
  if (why !== undefined) return { happened: `${happened}: ${why.happened}`, next: why.next };
  return { happened, next: 'look at its cable and its other end' };
}

/** The command that gives an interface another name, as a person would type it. */
export function renameCommand(name: string): string {
  return quoteArgv(['ip', 'link', 'set', 'dev', name, 'name', 'NAME']);
}

/** The command that brings an interface up, as a person would type it. */
export function upCommand(name: string, netns: string | undefined): string {
  return quoteArgv(['ip', ...(netns === undefined ? [] : ['-n', netns]), 'link', 'set', name, 'up']);
}

/** What an interface is a port of, and that in turn, from the nearest on. */
function mastersOf(facts: InterfaceFacts, all: readonly InterfaceFacts[]): Master[] {
  const chain: Master[] = [];
  let at: InterfaceFacts | undefined = facts;
  while (at?.master !== undefined && takesFrames(at.master)) {
    const { master }: InterfaceFacts = at;
    if (chain.some(({ name }) => name === master.name)) break;
    chain.push(master);
    at = all.find(({ name }) => name === master.name);
  }
  return chain;
}
