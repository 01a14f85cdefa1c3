import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { Host } from '../host/host.js';
import { SshHost } from '../ssh/host.js';
import { runRemote } from '../ssh/run.js';

/** Milliseconds: the longest that a timer takes. */
const FOR_EVER = 2 ** 31 - 1;

/** Hands on what a file of a host holds behind so many bytes, and what it grows by, until the signal or the end of the connection. */
export async function follow(
  host: Host,
  path: string,
  onText: (text: string) => void,
  signal: AbortSignal,
  skipped = 0,
): Promise<void> {
  const argv = ['tail', '-c', `+${skipped + 1}`, '-f', path];
  const read = async (output: Readable): Promise<void> => {
    // A character may lie on the border of two pieces.
    for await (const text of output.setEncoding('utf8')) onText(text as string);
  };
  try {
    if (host instanceof SshHost) {
      await runRemote(host.connection, { argv }, { onOutput: read, timeout: FOR_EVER, signal });
      return;
    }
    const child = spawn('tail', argv.slice(1), { stdio: ['ignore', 'pipe', 'inherit'], signal });
    await Promise.all([once(child, 'close', { signal }), read(child.stdout)]);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
