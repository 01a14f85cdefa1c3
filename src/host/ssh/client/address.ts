import { UsageError } from '../../../errors.js';

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
  // A host or user with a dash in front would be an option to ssh, a blank is in no name.
  if (
    !host ||
    /^-|[\s\0]/.test(host) ||
    /^-|[\s\0]/.test(match?.[1] ?? '') ||
    port === 0 ||
    (port ?? 1) > 65535
  ) {
    throw new UsageError({
      tried: `reading the host "${text}"`,
      happened: 'it is none',
      next: 'write a name, or [USER@]ADDRESS[:PORT]; an IPv6 address with a port in brackets: [::1]:22',
    });
  }
  return { host, user: match?.[1], port };
}
