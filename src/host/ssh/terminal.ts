/** A person's terminal, or a pipe, joined to a host over SSH. */
import type { ClientChannel } from 'ssh2';
import { remoteLine } from './command.js';
import type { SshConnection } from './connection.js';

/** What a shell gives for one that ended by a signal is 128 and more; whatever else is lost is a failure. */
const LOST = 255;

/** Runs a command with the standard streams of this process. @returns its exit code */
export function passThrough(connection: SshConnection, argv: readonly string[]): Promise<number> {
  return connection.exec(remoteLine({ argv }), join);
}

/** Opens a login shell on this process's terminal. @returns its exit code */
export async function openTerminal(connection: SshConnection): Promise<number> {
  const { stdin, stdout } = process;
  const { columns: cols = 80, rows = 24 } = stdout;
  const channel = await connection.shell({ term: process.env.TERM ?? 'vt100', cols, rows });
  const resize = (): void => channel.setWindow(stdout.rows, stdout.columns, 0, 0);
  stdout.on('resize', resize);
  if (stdin.isTTY) stdin.setRawMode(true);
  try {
    return await join(channel);
  } finally {
    if (stdin.isTTY) stdin.setRawMode(false);
    stdout.off('resize', resize);
  }
}

function join(channel: ClientChannel): Promise<number> {
  const { stdin, stdout, stderr } = process;
  let exitCode = LOST;
  channel.on('exit', (code: number | null) => {
    exitCode = code ?? LOST;
  });
  channel.on('error', () => {});
  channel.pipe(stdout, { end: false });
  channel.stderr.pipe(stderr, { end: false });
  stdin.pipe(channel);
  return new Promise((resolve) => {
    channel.on('close', () => {
      stdin.unpipe(channel);
      stdin.destroy();
      resolve(exitCode);
    });
  });
}
