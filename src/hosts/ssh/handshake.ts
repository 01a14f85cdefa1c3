/** A connection from its first byte to being logged in. */
import type { Client } from 'ssh2';
import { LabError, MissingError, UnreachableError } from '../../base/errors.js';
import type { HostTrust, Login, SshOptions } from './options.js';

/** The type of a public key in wire format: its first string (RFC 4253, 6.6); undefined if it is none. */
export function keyType(key: Buffer): string | undefined {
  if (key.length < 4) return undefined;
  const length = key.readUInt32BE(0);
  return length > 0 && length <= key.length - 4 ? key.subarray(4, 4 + length).toString('latin1') : undefined;
}

function trustIn(name: string, keys: readonly Buffer[]): HostTrust {
  const refusal = (shown: string): LabError =>
    new MissingError({
      tried: `connecting to ${name} by SSH`,
      happened: `the host shows ${shown} that is not the one known: it was set up anew, or it is another host`,
      next: 'find out which, and only then trust the new key',
      missing: ['known host key'],
    });
  return {
    types: [...new Set(keys.map((key) => keyType(key) ?? ''))],
    judge: async (key) => {
      if (!keys.some((known) => known.equals(key))) throw refusal(`a ${keyType(key)} key`);
    },
    otherType: () => refusal('a key of another type'),
  };
}

/** RSA keys sign under several names (RFC 8332). */
function algorithmsFor(types: readonly string[]): string[] {
  return [
    ...new Set(types.flatMap((type) => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type]))),
  ];
}

/**
 * Opens the byte stream, judges the host's key and logs in. Whoever takes the client listens for its errors.
 * @throws UnreachableError if there is no connection to be had · MissingError if the host has another key or refuses ours
 */
export async function openClient(options: SshOptions, signal: AbortSignal): Promise<Client> {
  const { name, user, privateKey, hostKeys = [], keepalive = 5000, connectTimeout = 20_000 } = options;
  const tried = `connecting to ${name} by SSH`;
  const trust = (await options.trust?.()) ?? trustIn(name, hostKeys);
  const login = options.login?.();
  const { Client } = (await import('ssh2')).default;
  const sock = await options.open(signal).catch((cause: Error) => {
    if (cause instanceof LabError) throw cause;
    throw unreachable(tried, cause);
  });
  // ssh2 stops listening before the stream has ended.
  sock.on('error', () => {});
  const client = new Client();
  // Each command under way listens for its end.
  client.setMaxListeners(0);
  let distrust: unknown;
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const watch = (): void => {
        timer = setTimeout(() => {
          if (login?.isAsking) watch();
          else reject(new Error(`no answer within ${connectTimeout / 1000} s`));
        }, connectTimeout);
      };
      watch();
      client.once('ready', resolve);
      // More than one may come; one that nobody hears would end this process. A key that can't sign is not the last.
      client.on('error', (error) => {
        if (error.level !== 'agent') reject(error);
      });
      client.once('close', () => reject(new Error('the host closed the connection')));
      client.connect({
        sock,
        username: user,
        readyTimeout: 0,
        keepaliveInterval: keepalive,
        keepaliveCountMax: 3,
        ...(trust.types.length === 0
          ? {}
          : { algorithms: { serverHostKey: algorithmsFor(trust.types) as never } }),
        hostVerifier: (key: Buffer, verify: (isRight: boolean) => void) => {
          trust.judge(key).then(
            () => verify(true),
            (error) => {
              distrust = error;
              verify(false);
            },
          );
        },
        ...(privateKey === undefined ? {} : { privateKey }),
        ...(login === undefined
          ? {}
          : { authHandler: (left, _isPartly, take) => login.next(left, take as never) }),
      });
    });
  } catch (error) {
    client.destroy();
    if (distrust !== undefined) throw distrust;
    throw notConnected(tried, error as Error & { level?: string }, user, trust, login);
  } finally {
    clearTimeout(timer);
  }
  client.removeAllListeners('error');
  return client;
}

function notConnected(
  tried: string,
  error: Error & { level?: string },
  user: string,
  trust: HostTrust,
  login: Login | undefined,
): LabError {
  if (/no matching host key format/i.test(error.message)) return trust.otherType();
  if (error.level === 'client-authentication') {
    const ways = login === undefined || login.tried.length === 0 ? ['keys'] : login.tried;
    return new MissingError({
      tried,
      happened: `the host does not let ${user} in (tried: ${ways.join(', ')})`,
      next: [
        'add the public key to ~/.ssh/authorized_keys there, or name another user or key',
        "or see the log of sshd there: it refuses users whose login shell is missing or can't be run, and those who are locked or not listed",
      ],
      missing: ['login'],
      cause: error,
    });
  }
  return unreachable(tried, error);
}

function unreachable(tried: string, cause: Error): UnreachableError {
  const isName = (cause as NodeJS.ErrnoException).code === 'ENOTFOUND';
  return new UnreachableError({
    tried,
    happened: isName ? 'no host of this name is known' : cause.message,
    next: isName
      ? 'take a name of `aoe-lab host list` or ~/.ssh/config, or [user@]address[:port]'
      : 'see whether it runs, with its sshd at that address and port, and what its log says',
    cause,
  });
}
