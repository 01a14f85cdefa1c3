/** QEMU's monitor: questions and orders to one that runs (QMP, a JSON object a line over a Unix socket). */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { LabError, linesOf } from '../../base/errors.js';

const PATIENCE = 30_000;

/**
 * Has one command carried out, on a connection of its own.
 * @throws LabError if QEMU is gone, silent, or refuses
 */
export async function monitor(
  socket: string,
  execute: string,
  args: Record<string, unknown> = {},
): Promise<unknown> {
  const tried = `asking QEMU's monitor for ${execute}`;
  const connection = connect(socket);
  const trouble = new Promise<never>((_, reject) => {
    connection.once('error', reject);
    connection.once('close', () => reject(new Error('it closed the connection')));
    connection.setTimeout(PATIENCE, () => reject(new Error('it does not answer')));
  });
  trouble.catch(() => {});
  const lines = createInterface({ input: connection })[Symbol.asyncIterator]();
  const answer = async (): Promise<Record<string, unknown>> => {
    for (;;) {
      const { value, done } = await Promise.race([lines.next(), trouble]);
      if (done) throw new Error('it closed the connection');
      const message = JSON.parse(value as string) as Record<string, unknown>;
      // What happens meanwhile is told on the same connection.
      if (!('event' in message)) return message;
    }
  };
  try {
    await answer();
    connection.write(`${JSON.stringify({ execute: 'qmp_capabilities' })}\n`);
    await answer();
    connection.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    const message = await answer();
    if ('error' in message) throw new Error((message.error as { desc: string }).desc);
    return message.return;
  } catch (cause) {
    throw new LabError({ tried, happened: (cause as Error).message, cause });
  } finally {
    connection.destroy();
  }
}

/** The port of 127.0.0.1 that QEMU's user network forwards to the guest. */
export async function forwardedPort(socket: string): Promise<number> {
  const text = await monitor(socket, 'human-monitor-command', { 'command-line': 'info usernet' });
  // "  TCP[HOST_FORWARD]  12       127.0.0.1 40661       10.0.2.15    22    0     0"
  const port = /TCP\[HOST_FORWARD\]\s+\d+\s+\S+\s+(\d+)/.exec(String(text))?.[1];
  if (port !== undefined) return Number(port);
  throw new LabError({
    tried: 'looking for the port that QEMU forwards',
    happened: linesOf(`it says: ${String(text)}`),
  });
}
