/**
 * Hosts by their names: this machine, one of the host book, or whatever ssh(1) would reach by that name. A process has one
 * connection a host, for as long as it runs or until `closeHosts`.
 */
import type { Duplex } from 'node:stream';
import { UsageError } from '../../base/errors.js';
import type { Host } from '../host/host.js';
import { here } from '../host/local.js';
import { quoteArgv } from '../host/quote.js';
import { gatherKeys } from '../ssh/client/keys.js';
import { newLogin } from '../ssh/client/login.js';
import { type Given, type Resolved, resolveHost } from '../ssh/client/resolve.js';
import { readTrust } from '../ssh/client/trust.js';
import { dial, runProxy } from '../ssh/client/way.js';
import { SshConnection } from '../ssh/connection.js';
import { SshHost } from '../ssh/host.js';
import { findElevation } from '../ssh/sudo.js';
import { type BookedHost, bookedHost } from './book.js';

export interface FindOptions {
  /** Whether the key of a host that is not known at all is taken and kept in known_hosts. A changed key never is. */
  acceptNew?: boolean | undefined;
  /** `auto`: a user who is not root runs all by sudo; `never`: as who logs in. Default: what the host book says, else `auto`. */
  sudo?: 'auto' | 'never' | undefined;
  /** How it is reached, whatever the host book says of its name. */
  as?: BookedHost | undefined;
  /** Shows what is copied to it and from it. */
  onTransfer?: SshHost['onTransfer'];
}

/** A connection, and whether a person may be asked for what it needs. */
interface Line {
  connection: SshConnection;
  mayAsk: boolean;
}

const hosts = new Map<string, Promise<SshHost>>();
/** In the order they were begun: those over which others go stand before them. */
const lines = new Map<string, Line>();

/**
 * A host that can be reached, its connection made.
 * @param name `here`, a name of the host book, one of ssh's configuration, or `[user@]address[:port]`
 * @throws UsageError for a name that is none · MissingError if its key is not the known one, it lets us not in, or there is
 *   no way to root's rights · UnreachableError if there is no connection to be had
 */
export async function findHost(name: string, options: FindOptions = {}): Promise<Host> {
  if (name === 'here') return here;
  let found = hosts.get(name);
  if (found === undefined) {
    found = reach(name, options);
    hosts.set(name, found);
    // What failed may be tried again.
    found.catch(() => hosts.delete(name));
  }
  return found;
}

/** Ends all connections; hosts found before can't be used any more. */
export async function closeHosts(): Promise<void> {
  const all = [...lines.values()].reverse();
  hosts.clear();
  lines.clear();
  for (const { connection } of all) await connection.close();
}

async function reach(name: string, options: FindOptions): Promise<SshHost> {
  const booked = options.as ?? (await bookedHost(name));
  const sudo = options.sudo ?? booked?.sudo ?? 'auto';
  const { connection, mayAsk } = await lineTo(
    booked?.address ?? name,
    booked ?? {},
    { ...options, sudo },
    name,
    [],
  );
  await connection.connect();
  if (sudo === 'auto') connection.elevation ??= await findElevation(connection, mayAsk);
  const host = new SshHost(connection);
  host.onTransfer = options.onTransfer;
  host.onRun = (argv) => here.onRun?.(['ssh', name, quoteArgv(argv)]);
  return host;
}

/** @param over names of the hosts that this one is to be a way to, so that none leads to itself */
async function lineTo(
  address: string,
  given: Given,
  options: FindOptions,
  name: string,
  over: readonly string[],
): Promise<Line> {
  const resolved = await resolveHost(address, given);
  const { user, host, port, jumps, proxyCommand, hostKey, keys, mayAsk } = resolved;
  const key = JSON.stringify([user, host, port, jumps, proxyCommand, keys, hostKey, options.sudo]);
  const open = await wayTo(resolved, options, [...over, address]);
  const known = lines.get(key);
  if (known !== undefined) return known;
  const connection = new SshConnection({
    name,
    user,
    open,
    trust: () =>
      readTrust({ name, port, ...hostKey, acceptNew: options.acceptNew === true || hostKey.acceptNew }),
    login: () =>
      newLogin({ name, user, keys: (ignored) => gatherKeys({ ...keys, mayAsk, ignored }), mayAsk }),
    connectTimeout: resolved.connectTimeout,
    keepalive: resolved.keepalive,
  });
  const line = { connection, mayAsk };
  lines.set(key, line);
  return line;
}

async function wayTo(
  { host, port, jumps, proxyCommand, connectTimeout: timeout, family }: Resolved,
  options: FindOptions,
  over: readonly string[],
): Promise<(signal: AbortSignal) => Promise<Duplex>> {
  const hop = jumps.at(-1);
  if (hop !== undefined) {
    if (over.includes(hop)) {
      throw new UsageError({
        tried: `finding the way to ${over[0]}`,
        happened: `ssh's configuration has ${[...over, hop].join(' jump over ')}`,
        next: 'set ProxyJump none for the first host to jump over',
      });
    }
    // Hosts that stand before it in the list lead to it; where there are none, its own configuration says.
    const jump = jumps.length === 1 ? {} : { jump: jumps.slice(0, -1).join(',') };
    const { connection } = await lineTo(hop, jump, options, hop, over);
    return (signal) => connection.forward(host, port, signal);
  }
  if (proxyCommand !== undefined) return () => runProxy(proxyCommand);
  return (signal) => dial(host, port, { timeout, family, signal });
}
