/** Words for an interface that is a port of another one, which takes the frames that come in. */

/** What an interface is a port of: its name and kind, as ip-link(8) calls it. */
export interface Master {
  name: string;
  kind: string;
}

/** A VRF takes IP only, batman-adv its own EtherType: their ports still hear AoE. */
export function takesFrames({ kind }: Pick<Master, 'kind'>): boolean {
  return kind !== 'vrf' && kind !== 'batadv';
}

/**
 * @param chain its master, and what that is a port of in turn
 * @param verb of the advice: "export on"
 */
export function portWords(
  name: string,
  chain: readonly Master[],
  verb: string,
): { happened: string; next: string } {
  const steps = [name, ...chain.map((master) => master.name)];
  const top = chain.at(-1);
  const links = chain.map((master, index) => `${steps[index]} is a port of ${nameOf(master)}`);
  const next =
    top?.kind === 'openvswitch'
      ? `${verb} the bridge's own interface: ovs-vsctl iface-to-br ${steps.at(-2)} tells its name`
      : `${verb} ${top?.name}`;
  return { happened: links.join(', and '), next };
}

function nameOf({ name, kind }: Master): string {
  // All its bridges have one interface in the kernel, which carries nothing.
  if (kind === 'openvswitch') return 'an Open vSwitch';
  return kind === '' || kind === 'bridge' ? name : `${name} (${kind})`;
}
