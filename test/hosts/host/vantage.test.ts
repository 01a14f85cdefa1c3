import test from 'ava';
import type { Host } from '../../../src/hosts/host/host.js';
import type { InterfaceFacts } from '../../../src/hosts/host/interface-facts.js';
import { findVantage } from '../../../src/hosts/host/vantage.js';

/** A veth of index 2 whose other end has the index 2 in another namespace, as the first interface of each container has. */
function veth(name: string, namespaceId = 0): InterfaceFacts {
  return {
    name,
    altnames: [],
    index: 2,
    up: true,
    carrier: true,
    mac: `02:00:00:00:00:0${namespaceId}`,
    mtu: 1500,
    type: 'ether',
    kind: 'veth',
    peer: { index: 2, namespaceId },
  };
}

/** A FAKE host: the names that each namespace knows for numbers, and the interface of each. */
function hostOf(names: Record<string, string[]>, interfaces: Record<string, InterfaceFacts>) {
  const host = {
    run: async ([, option, from]: readonly string[]) => {
      const known = names[option === '-n' ? (from ?? '') : ''] ?? [];
      return { stdout: JSON.stringify(known.map((name, nsid) => ({ nsid, ...(name ? { name } : {}) }))) };
    },
  } as unknown as Host;
  const list = async (netns = ''): Promise<InterfaceFacts[]> => [interfaces[netns] as InterfaceFacts];
  return (netns: string | undefined) =>
    findVantage(host, netns, interfaces[netns ?? ''] as InterfaceFacts, list);
}

test('B4: the other end of a pair is asked from, in a namespace that has a name, or the own one', async (t) => {
  const both = hostOf({ '': ['far'], far: [''] }, { '': veth('t0'), far: veth('t1') });
  t.like(await both(undefined), { iface: 't1', netns: 'far' });
  t.like(await both('far'), { iface: 't0', netns: undefined });
});

test('B4: an interface whose numbers fit by chance is not taken for the other end, nor is the interface itself', async (t) => {
  const alone = hostOf({ '': [''] }, { '': veth('t0') });
  t.regex(((await alone(undefined)) as { reason: string }).reason, /t0 is in a namespace without a name/);
  // That of `lab` is in a container; the own one leads elsewhere.
  const other = hostOf({ lab: [''], '': ['else'] }, { '': veth('eth0'), lab: veth('t0') });
  t.regex(((await other('lab')) as { reason: string }).reason, /t0 is in a namespace without a name/);
});
