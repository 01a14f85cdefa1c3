import { LabError } from '../../base/errors.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs a job that a signal calls off.
 * @throws LabError if it was; otherwise as the job
 */
export async function untilSignal<T>(tried: string, job: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void =>
    stop.abort(new LabError({ tried, happened: `it was ended by ${signal}` }));
  for (const signal of SIGNALS) process.once(signal, onSignal);
  try {
    return await job(stop.signal);
  } catch (error) {
    // What fails because its environment was taken away is no fault of its own.
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}

/** Runs a job and takes its things away however it ends, by a signal too. */
export async function cleanedUp<T>(things: { cleanUp(): Promise<void> }, job: () => Promise<T>): Promise<T> {
  const stop = (signal: NodeJS.Signals): void => {
    void things.cleanUp().finally(() => process.kill(process.pid, signal));
  };
  for (const signal of SIGNALS) process.once(signal, stop);
  try {
    return await job();
  } finally {
    await things.cleanUp();
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}

/** Runs a job that has no end of its own: a signal ends it, and that nobody reads standard output any more. */
export async function untilStopped<T>(job: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { readerLeft } = await import('../ui/streams.js');
  const stop = new AbortController();
  const end = (): void => stop.abort();
  for (const signal of SIGNALS) process.once(signal, end);
  readerLeft.addEventListener('abort', end);
  try {
    return await job(stop.signal);
  } finally {
    for (const signal of SIGNALS) process.off(signal, end);
    readerLeft.removeEventListener('abort', end);
  }
}
