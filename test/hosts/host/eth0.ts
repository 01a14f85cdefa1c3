import type { InterfaceFacts } from '../../../src/hosts/host/interface-facts.js';

/** A card that can carry AoE. */
export const eth0: InterfaceFacts = {
  name: 'eth0',
  altnames: [],
  index: 2,
  up: true,
  carrier: true,
  mac: '02:00:00:00:00:01',
  mtu: 1500,
  type: 'ether',
  kind: '',
};
