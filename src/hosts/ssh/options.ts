import type { Duplex } from 'node:stream';
import type { AnyAuthMethod } from 'ssh2';
import type { LabError } from '../../base/errors.js';

export interface SshOptions {
  /** How messages call the host: `root@storage1`, `guest target`. */
  name: string;
  user: string;
  /** Opens the byte stream that SSH is spoken on: a TCP connection, a channel of a jump host, a serial line. */
  open(signal: AbortSignal): Promise<Duplex>;
  /** The host's public keys in SSH's wire format, where they are known beforehand. Any other is refused. */
  hostKeys?: readonly Buffer[] | undefined;
  /** What tells whether the host's key is the right one, where `hostKeys` does not. Asked at each connection. */
  trust?: (() => Promise<HostTrust>) | undefined;
  /** A private key in OpenSSH's or PEM format. */
  privateKey?: string | Buffer | undefined;
  /** How to log in, where there is no one `privateKey`. Asked at each connection. */
  login?: (() => Login) | undefined;
  /** Milliseconds from the first byte to being logged in, a person's answers not counted. Default: 20,000. */
  connectTimeout?: number | undefined;
  /** Milliseconds between signs of life; after three without an answer the connection counts as lost. Default: 5,000. */
  keepalive?: number | undefined;
  /** What is known elsewhere of why a connection was lost, such as a kernel's last words. */
  whyLost?: (() => Promise<string | undefined>) | undefined;
}

/** Whether a host's key is the right one. */
export interface HostTrust {
  /** Types of the keys known, so that the host is asked for one of them; any if there are none. */
  readonly types: readonly string[];
  /** @throws LabError if it is not the key, or can't be told to be */
  judge(key: Buffer): Promise<void>;
  /** What to say of a host that has no key of the types known. */
  otherType(): LabError;
}

/** Ways to log in, for one connection. */
export interface Login {
  /** Hands out the next way to try, for ssh2's authHandler; false if there is none left. */
  next(left: readonly string[] | null, take: (method: AnyAuthMethod | false) => void): void;
  /** Ways that were tried, as messages call them. */
  readonly tried: readonly string[];
  /** Whether a person is being asked right now. */
  readonly isAsking: boolean;
}
