import { type ChildProcess, spawn } from 'node:child_process';
import { LabError, linesOf } from '../../../base/errors.js';
import { pollUntil } from '../../../base/poll.js';
import { findCommand } from '../../../make/compile/requirements.js';

const POLL = 20;
const PATIENCE = 5000;

/** A server that runs in a namespace for as long as this process does. */
export class Server {
  readonly pid: number;
  readonly #child: ChildProcess;
  #said = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid as number;
    const hear = (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString()).slice(-2000);
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
  }

  /**
   * Starts a server and waits until it is ready.
   * @param ready asked again and again, with what the server printed
   * @throws LabError if it ends before, or is not ready after 5 s
   */
  static async start(
    netns: string,
    argv: readonly string[],
    ready: (said: string) => Promise<boolean>,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Server> {
    const [name] = argv as [string];
    // What this process started dies with it, by kill -9 too; both programs replace themselves by the next.
    const tied = findCommand('setpriv') === undefined ? [] : ['setpriv', '--pdeathsig', 'KILL'];
    const full = ['ip', 'netns', 'exec', netns, ...tied, ...argv];
    const child = spawn(full[0] as string, full.slice(1), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C', ...env },
    });
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    const server = new Server(child);
    const look = async (): Promise<'ready' | 'ended' | undefined> => {
      if (await ready(server.#said)) return 'ready';
      return child.exitCode !== null || child.signalCode !== null ? 'ended' : undefined;
    };
    const found = await pollUntil(look, { every: POLL, patience: PATIENCE });
    if (found === 'ready') return server;
    await server.stop();
    const happened = found === 'ended' ? 'it ended at once' : 'it is not ready after 5 s';
    throw new LabError({
      tried: `starting ${name}`,
      happened: [happened, ...linesOf(server.#said.trim())].filter((line) => line !== ''),
    });
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
    await ended;
    clearTimeout(timer);
  }
}

/** Whether somebody listens at a TCP port of a namespace, by /proc/net/tcp of one of its processes. */
export function listensIn(text: string, port: number): boolean {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const LISTEN = '0A';
  return text.split('\n').some((line) => {
    const fields = line.trim().split(/\s+/);
    return fields[1]?.endsWith(wanted) === true && fields[3] === LISTEN;
  });
}
