/** How Ansible reaches a lab's hosts: as aoe-lab does, by OpenSSH's own configuration and the host book. */
import { bookedHost } from '../../hosts/book/book.js';
import { quote } from '../../hosts/host/quote.js';
import { parseDestination } from '../../hosts/ssh/client/address.js';
import { resolveHost } from '../../hosts/ssh/client/resolve.js';
import type { Lab, LabHost } from '../lab/lab.js';

/** Variables of an inventory's host. */
export type Reach = Record<string, string | number | boolean>;

/** Reads the host book and ssh's configuration. @throws UsageError as `resolveHost` */
export async function reachOf({ name, ssh }: LabHost): Promise<Reach> {
  if (ssh === 'here') {
    return { ansible_connection: 'local', ...(process.getuid?.() === 0 ? {} : { ansible_become: true }) };
  }
  const booked = await bookedHost(ssh);
  const { address, user, port, identity, jump, sudo } = booked ?? { address: ssh };
  const destination = parseDestination(address);
  // What ssh's configuration says is left to ssh; only who logs in decides whether rights have to be got.
  const resolved = await resolveHost(address, booked);
  const given = { user: user ?? destination.user, port: port ?? destination.port };
  return {
    ...(destination.host === name ? {} : { ansible_host: destination.host }),
    ...(given.user === undefined ? {} : { ansible_user: given.user }),
    ...(given.port === undefined ? {} : { ansible_port: given.port }),
    ...(identity === undefined ? {} : { ansible_ssh_private_key_file: identity }),
    ...(jump === undefined ? {} : { ansible_ssh_common_args: `-o ${quote(`ProxyJump=${jump}`)}` }),
    ...(resolved.user === 'root' || sudo === 'never' ? {} : { ansible_become: true }),
  };
}

/** All hosts of the lab: one without exports may have had some. */
export function inventory({ hosts }: Lab, reach: ReadonlyMap<string, Reach>): object {
  return {
    aoe_lab: { hosts: Object.fromEntries(hosts.map(({ name }) => [name, reach.get(name) ?? {}])) },
  };
}
