/**
 * Hosts by their names: this machine, one of the host book, or whatever ssh(1) would reach by that name. A process has one
 * connection a host, for as long as it runs or until `closeHosts`.
 */
import { UsageError } from '../errors.js';
import { bookedHost } from './book.js';
import type { Host } from './host.js';
import { here } from './local.js';
import { quoteArgv } from './quote.js';
import { gatherKeys } from './ssh/client/keys.js';
import { newLogin } from './ssh/client/login.js';
import { type Given, type Resolved, resolveHost } from './ssh/client/resolve.js';
import { readTrust } from './ssh/client/trust.js';
import { dial, runProxy } from './ssh/client/way.js';
import { SshConnection } from './ssh/connection.js';
import { SshHost } from './ssh/host.js';

export interface FindOptions {
  /** Whether the key of a host that is not known at all is taken and kept in known_hosts. A changed key never is. */
  acceptNew?: boolean | undefined;
}

const hosts = new Map<string, Promise<SshHost>>();
/** In the order they were begun: those over which others go stand before them. */
const connections = new Map<string, SshConnection>();

/**
 * A host that can be reached, its connection made.
 * @param name `here`, a name of the host book, one of ssh's configuration, or `[user@]address[:port]`
 * @throws UsageError for a name that is none · MissingError if its key is not the known one, or it lets us not in ·
 *   UnreachableError if there is no connection to be had
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
  const all = [...connections.values()].reverse();
  hosts.clear();
  connections.clear();
  for (const connection of all) await connection.close();
}

async function reach(name: string, options: FindOptions): Promise<SshHost> {
  const booked = await bookedHost(name);
  const connection = await connectionTo(booked?.address ?? name, booked ?? {}, options, name, []);
  await connection.connect();
  const host = new SshHost(connection);
  host.onRun = (argv) => here.onRun?.(['ssh', name, quoteArgv(argv)]);
  return host;
}

/** @param over names of the hosts that this one is to be a way to, so that none leads to itself */
async function connectionTo(
  address: string,
  given: Given,
  options: FindOptions,
  name: string,
  over: readonly string[],
): Promise<SshConnection> {
  const resolved = await resolveHost(address, given);
  const { user, host, port, jumps, hostKey, keys, mayAsk } = resolved;
  const key = JSON.stringify([user, host, port, jumps, resolved.proxyCommand, keys, hostKey]);
  const known = connections.get(key);
  if (known !== undefined) return known;
  const open = await wayTo(resolved, options, [...over, address]);
  const connection = new SshConnection({
    name,
    user,
    open,
    trust: () =>
      readTrust({ name, port, ...hostKey, acceptNew: options.acceptNew === true || hostKey.acceptNew }),
    login: () => newLogin({ name, user, keys: () => gatherKeys({ ...keys, mayAsk }), mayAsk }),
    connectTimeout: resolved.connectTimeout,
    keepalive: resolved.keepalive,
  });
  const other = connections.get(key);
  if (other !== undefined) return other;
  connections.set(key, connection);
  return connection;
}

async function wayTo(resolved: Resolved, options: FindOptions, over: readonly string[]) {
  const { host, port, jumps, proxyCommand, connectTimeout: timeout, family } = resolved;
  const [hop, ...before] = [...jumps].reverse();
  if (hop !== undefined) {
    if (over.includes(hop)) {
      throw new UsageError({
        tried: `finding the way to ${over[0]}`,
        happened: `ssh's configuration has ${[...over, hop].join(' jump over ')}`,
        next: 'set ProxyJump none for the first host to jump over',
      });
    }
    // Hosts that stand before it in the list lead to it; alone, its own configuration does.
    const jump = before.length === 0 ? {} : { jump: before.reverse().join(',') };
    const connection = await connectionTo(hop, jump, options, hop, over);
    return (signal: AbortSignal) => connection.forward(host, port, signal);
  }
  if (proxyCommand !== undefined) return () => runProxy(proxyCommand);
  return (signal: AbortSignal) => dial(host, port, { timeout, family, signal });
}
