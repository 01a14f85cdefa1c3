/** What the entry points of the native target have in common. */
import { escapeText } from '../../base/escape.js';
import { expectedError } from '../../base/system-errors.js';
import { Daemon } from './daemon.js';
import { Engine } from './fast/engine.js';
import { FastGateway } from './fast/fast-gateway.js';
import { keepLeast } from './least.js';
import { Log } from './log.js';
import type { Settings } from './settings.js';

/** Whether lines of the log begin with the time: those of a program in the foreground need none. */
export const logging = { isTimed: false };

function now(): string {
  return logging.isTimed ? `${new Date().toISOString()} ` : '';
}

export const { say: log } = new Log((line) => process.stderr.write(`${now()}${escapeText(line)}\n`));

export function describe(error: unknown): string {
  return expectedError(error)?.message ?? (error as Error).stack ?? String(error);
}

/**
 * A daemon of this process, not configured yet: TERM and INT end it once everything is answered.
 * @param folder as Daemon takes it
 */
export async function makeDaemon(folder: string | undefined, settings: Settings): Promise<Daemon> {
  const engine = await Engine.create(settings);
  engine.onError = (error) => log(`a frame was lost: ${describe(error)}`);
  const daemon = new Daemon(folder, (iface) => FastGateway.open(engine, iface, settings), log);
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      void daemon.stop().then(
        () => end(0),
        (error) => {
          log(describe(error));
          return end(1);
        },
      );
    });
  }
  return daemon;
}

/** Ends without what `process.exit` does: it waits for the threads of Node's pool, and so for disks that do not answer. */
async function end(code: number): Promise<void> {
  const { default: koffi } = await import('koffi');
  koffi.load(null).func('void _exit(int)')(code);
}

/** Runs an entry point; what it throws ends the process. */
export async function runMain(main: () => Promise<void>): Promise<void> {
  // Its state and its sockets are nobody else's.
  process.umask(0o077);
  await keepLeast()
    .then(main)
    .catch((error) => {
      log(describe(error));
      return end(expectedError(error)?.exitCode ?? 1);
    });
}
