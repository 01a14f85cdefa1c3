import { UsageError } from '../../../base/errors.js';

export interface Destination {
  /** A name of ssh's configuration, a host name or an address. */
  host: string;
  user?: string | undefined;
  port?: number | undefined;
}

/**
 * `[user@]host[:port]` or `ssh://…`, an IPv6 address with a port in brackets.
 * @throws UsageError if it is neither
 */
export function parseDestination(text: string): Destination {
  const match =
    /^(?:ssh:\/\/)?(?:(.+)@)?(?:\[([^\]]+)\](?::(\d+))?|([^:[\]@]+)(?::(\d+))?|([^[\]@]*:[^[\]@]*:[^[\]@]*))\/?$/.exec(
      text,
    );
  const host = match?.[2] ?? match?.[4] ?? match?.[6];
  const digits = match?.[3] ?? match?.[5];
  const port = digits === undefined ? undefined : Number(digits);
  if (!host || port === 0 || (port ?? 1) > 65535) {
    throw new UsageError({
      tried: `reading the host "${text}"`,
      happened: 'it is none',
      next: 'write a name, or [USER@]ADDRESS[:PORT]; an IPv6 address with a port in brackets: [::1]:22',
    });
  }
  const user = match?.[1];
  refuseUnsafe(host, user);
  return { host, user, port };
}

/** As ssh.c has it (valid_hostname, valid_ruser; OpenSSH 9.6 and later), and blanks, which are in no name. */
const UNSAFE_HOST = /^-|['`"$\\;&<>|(){}\s\p{Cc}]/u;
/** A domain may stand before a backslash, and a machine's account ends in a dollar sign. */
const UNSAFE_USER = /^-|['`";&<>|(){}\s\p{Cc}]|\$(?!$)|\\$/u;

/**
 * Names go to ProxyCommand and `Match exec`, which a shell reads, and a dash in front begins an option.
 * @throws UsageError for a name that would be more than a name there
 */
export function refuseUnsafe(host: string, user: string | undefined): void {
  const what = UNSAFE_HOST.test(host) ? 'host' : UNSAFE_USER.test(user ?? '') ? 'user' : undefined;
  if (what === undefined) return;
  throw new UsageError({
    tried: `taking "${what === 'host' ? host : user}" for the name of a ${what}`,
    happened:
      'it begins with a dash, or holds characters that a shell or a terminal would obey: OpenSSH refuses it too',
    next: 'check the name, in ~/.ssh/config, the host book and the lab as well',
  });
}
