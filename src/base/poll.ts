import { setTimeout as sleep } from 'node:timers/promises';

export interface Poll {
  /** Milliseconds between two looks. */
  every: number;
  /** Milliseconds. */
  patience: number;
}

/**
 * Looks for something until it is there. The time that counts does not jump with the system's clock.
 * @returns what `look` found; undefined if it was not there when the time was up, after which it is looked for once more
 */
export async function pollUntil<T>(
  look: () => T | undefined | Promise<T | undefined>,
  { every, patience }: Poll,
): Promise<T | undefined> {
  const deadline = performance.now() + patience;
  for (;;) {
    const isLast = performance.now() >= deadline;
    const found = await look();
    if (found !== undefined || isLast) return found;
    await sleep(every);
  }
}

/** The same for what is or is not so. @returns whether it came to be so */
export async function pollUntilTrue(look: () => boolean | Promise<boolean>, options: Poll): Promise<boolean> {
  return (await pollUntil(async () => (await look()) || undefined, options)) ?? false;
}
