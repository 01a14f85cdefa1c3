export interface InterfaceFacts {
  name: string;
  /** Other names of the same interface (ip-link(8), `property add … altname`). */
  altnames: string[];
  index: number;
  up: boolean;
  /** Whether it has a cable, or what stands for one. */
  carrier: boolean;
  mac: string;
  /** Bytes. */
  mtu: number;
  /** `ether`, `loopback`, … */
  type: string;
  /** `veth`, `bridge`, `macvlan`, …; empty of a card. */
  kind: string;
  /** What it is a port of: a bridge, a bond, … */
  master?: { name: string; kind: string };
  /** Of a VLAN, a macvlan and the like: the interface below it, if that is in the same namespace. */
  lower?: string;
  /** Of a veth: its other end. */
  peer?: { index: number } & ({ name: string } | { namespaceId: number });
}
