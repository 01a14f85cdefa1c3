/** The byte stream to a host: a TCP connection, or a program that makes one (ProxyCommand). */
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { ownEnvironment } from '../../../base/files/own-folders.js';

/**
 * @param timeout milliseconds for the connection to be made
 * @param family 4 or 6; 0 is either
 */
export function dial(
  host: string,
  port: number,
  { timeout, family, signal }: { timeout: number; family: number; signal: AbortSignal },
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, keepAlive: true, family });
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => fail(new Error('called off'));
    const timer = setTimeout(
      () => fail(new Error(`no answer from ${host}, port ${port}, within ${timeout / 1000} s`)),
      timeout,
    );
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('error', (error: NodeJS.ErrnoException & { errors?: Error[] }) => {
      clearTimeout(timer);
      // Where a name has several addresses, each one's error is within.
      fail(error.message === '' ? new Error(error.errors?.map(({ message }) => message).join('; ')) : error);
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve(socket);
    });
  });
}

/** A ProxyCommand is a line for the user's shell by definition. It ends with the stream. */
export async function runProxy(command: string): Promise<Duplex> {
  const { spawn } = await import('node:child_process');
  const child = spawn(process.env.SHELL || '/bin/sh', ['-c', `exec ${command}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...ownEnvironment() },
  });
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  child.once('error', (error) => stream.destroy(error));
  child.once('exit', (code) => {
    if (code !== 0) stream.destroy(new Error(`the ProxyCommand ended with ${code}`));
  });
  stream.once('close', () => child.kill());
  return stream;
}
