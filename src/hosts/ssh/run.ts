import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { BEARING } from '../host/bearing.js';
import { Budget } from '../host/budget.js';
import { CommandError } from '../host/command-error.js';
import type { RunOptions } from '../host/host.js';
import { COMMAND_MARK } from '../host/kill-marked.js';
import { quoteArgv } from '../host/quote.js';
import type { Lane } from './channels.js';
import { type RemoteCommand, remoteLine } from './command.js';
import type { SshConnection } from './connection.js';
import type { Session } from './session.js';
import { type Ended, inputWord, type Talk } from './shell.js';

export interface RawOptions extends Omit<RunOptions, 'input' | 'cwd' | 'env'> {
  input?: string | Uint8Array | Readable | undefined;
  /** Receives standard output as it comes, instead of its being gathered. */
  onOutput?: ((channel: Readable) => Promise<void>) | undefined;
  /** Of channels; a command that names one goes by a channel of its own. */
  lane?: Lane | undefined;
}

export interface RawResult {
  exitCode: number;
  stdout: Buffer;
  stderr: Buffer;
  /** Milliseconds. */
  duration: number;
}

const DEFAULT_TIMEOUT = 60_000;
/** Milliseconds for a killed command to end on the far side, before its channel is closed anyway. */
export const FAREWELL = 2000;

/** Ends what bears a mark: this user's processes first, as those of others can hold up whoever reads their memory (userfaultfd(2)). */
export const KILL = `${BEARING}
mark=$1 own=
end_those() {
  for f in $(bearing "$mark" "$@"); do
    d=\${f%/environ}
    # What ended meanwhile may have left its number to another one.
    [ -z "$(bearing "$mark" "$f")" ] || kill -9 "\${d#/proc/}"
  done
}
for s in $(grep -lsE "^Uid:[[:space:]]*$(id -u)[[:space:]]" /proc/[0-9]*/status); do own="$own \${s%status}environ"; done
end_those $own /dev/null
end_those /proc/[0-9]*/environ`;

/** SSH's own way to send a signal is not for root's commands (sshd refuses), and reaches no children. */
async function killRemote(connection: SshConnection, mark: string): Promise<void> {
  const argv = ['sh', '-c', KILL, 'sh', `${COMMAND_MARK}=${mark}`];
  await connection
    .exec(
      remoteLine({ argv }),
      async ({ stdin, stdout, stderr, ended, close }) => {
        stdin.end();
        for (const stream of [stdout, stderr]) stream.resume();
        await Promise.race([ended, sleep(FAREWELL, undefined, { ref: false })]);
        close();
      },
      { lane: 'kill' },
    )
    .catch(() => {});
}

/**
 * Runs a command on the far side to its end.
 * @throws CommandError as Host.run says · LabError if the connection is lost meanwhile
 */
export async function runRemote(
  connection: SshConnection,
  command: RemoteCommand,
  options: RawOptions = {},
): Promise<RawResult> {
  const started = performance.now();
  const mark = randomBytes(8).toString('hex');
  const line = remoteLine({ ...command, env: { [COMMAND_MARK]: mark, ...command.env } });
  options.signal?.throwIfAborted();
  const budget = new Budget();
  const see = (talk: Talk) => seeThrough(connection, command, mark, talk, budget, options);
  const talk = await inShell(connection, line, budget, options);
  const result = talk
    ? await see(talk)
    : await connection.exec(line, (session) => see(onSession(session, budget, options)), options);
  return { ...result, duration: performance.now() - started };
}

/** By a shell that is there already, where nothing is to be passed on as it comes. */
async function inShell(
  connection: SshConnection,
  line: string,
  budget: Budget,
  { input, onOutput, log, signal, lane }: RawOptions,
): Promise<Talk | undefined> {
  const word = inputWord(input);
  if (lane !== undefined || word === undefined || onOutput !== undefined || log !== undefined)
    return undefined;
  return connection.shells.run(line, word, budget, signal);
}

/** On a channel of its own, with streams that flow. */
function onSession(session: Session, budget: Budget, options: RawOptions): Talk {
  const { stdout, stderr } = session;
  const log =
    options.log === undefined ? undefined : createWriteStream(options.log, { flags: 'a', mode: 0o600 });
  const logged = log && finished(log).catch(() => undefined);
  if (log) {
    for (const stream of [stdout, stderr]) stream.on('data', (chunk: Buffer) => log.write(chunk));
  }
  const all = Promise.all([
    options.onOutput
      ? options.onOutput(stdout).then(() => Buffer.alloc(0))
      : gathered(stdout, budget).catch(() => Buffer.alloc(0)),
    gathered(stderr, budget),
    session.ended,
    feed(session, options.input),
  ]);
  const ended = all
    .then(([output, errors, how]) => ({ stdout: output, stderr: errors, ...how }))
    .finally(async () => {
      log?.end();
      // Whoever reads the log afterwards finds all of it.
      await logged;
    });
  ended.catch(() => {});
  return { ended, abandon: () => session.close() };
}

/** Waits for a command's end, for that of its time, or for more than it may print. */
async function seeThrough(
  connection: SshConnection,
  command: RemoteCommand,
  mark: string,
  talk: Talk,
  budget: Budget,
  options: RawOptions,
): Promise<Omit<RawResult, 'duration'>> {
  const { timeout = DEFAULT_TIMEOUT, accept = [], signal } = options;
  let stop: 'timedOut' | 'aborted' | 'flooded' | undefined;
  let giveUp: (nothing: Ended) => void = () => {};
  const givenUp = new Promise<Ended>((resolve) => {
    giveUp = resolve;
  });
  const kill = (why: typeof stop) => () => {
    stop ??= why;
    void killRemote(connection, mark).finally(() =>
      setTimeout(() => {
        talk.abandon();
        giveUp({ stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) });
      }, FAREWELL).unref(),
    );
  };
  budget.onSpent = kill('flooded');
  const timer = setTimeout(kill('timedOut'), timeout);
  const onAbort = kill('aborted');
  signal?.addEventListener('abort', onAbort, { once: true });
  // Called off while the channel was being opened.
  if (signal?.aborted) onAbort();
  try {
    const { exitCode, signalName, stdout, stderr } = await Promise.race([talk.ended, givenUp]);
    const isLost = exitCode === undefined && signalName === undefined && stop === undefined;
    // Neither exit code nor signal: the channel was torn off.
    if (isLost) throw await connection.explainLoss(`running \`${quoteArgv(command.argv)}\``);
    if (stop !== undefined || exitCode === undefined || (exitCode !== 0 && !accept.includes(exitCode))) {
      // What the shell and env(1) say of a command that is not there.
      const code = exitCode === 127 ? 'ENOENT' : undefined;
      throw new CommandError(
        connection.options.name,
        command.argv,
        {
          exitCode,
          signal: stop === 'aborted' ? 'SIGKILL' : signalName,
          timedOut: stop === 'timedOut',
          flooded: stop === 'flooded',
          code,
          stdout: stdout.toString(),
          stderr: stderr.toString(),
        },
        options.log,
      );
    }
    return { exitCode, stdout, stderr };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

async function gathered(stream: Readable, budget: Budget): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) if (budget.take(chunk as Buffer)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A command that does not read all of its input is free to: its exit code tells how it fared. */
function feed({ stdin, ended, close }: Session, input: RawOptions['input']): Promise<void> {
  if (input === undefined || typeof input === 'string' || input instanceof Uint8Array) {
    stdin.end(input);
    return Promise.resolve();
  }
  return new Promise((resolve, reject) => {
    void ended.then(() => resolve());
    input.once('end', resolve);
    input.once('error', (error) => {
      close();
      reject(error);
    });
    input.pipe(stdin);
  });
}
