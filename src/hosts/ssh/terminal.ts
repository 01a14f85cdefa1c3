/** A person's terminal, or a pipe, joined to a host over SSH. */
import type { SshConnection } from './connection.js';
import { rawSession, type Session } from './session.js';

/** What a shell gives for one that ended by a signal is 128 and more; whatever else is lost is a failure. */
const LOST = 255;

/** As ssh(1) does: words are joined by blanks, and the login shell makes of them what it will. @returns the exit code */
export function passWords(connection: SshConnection, words: readonly string[]): Promise<number> {
  return connection.exec(words.join(' '), join, { isRaw: true });
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
    return await join(rawSession(channel));
  } finally {
    if (stdin.isTTY) stdin.setRawMode(false);
    stdout.off('resize', resize);
  }
}

async function join({ stdin, stdout, stderr, ended }: Session): Promise<number> {
  stdout.pipe(process.stdout, { end: false });
  stderr.pipe(process.stderr, { end: false });
  process.stdin.pipe(stdin);
  const { exitCode = LOST } = await ended;
  process.stdin.unpipe(stdin);
  process.stdin.destroy();
  return exitCode;
}
