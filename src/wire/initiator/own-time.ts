/** Milliseconds that a timer may be late without this process having been away. */
const TOLERANCE = 10;

/**
 * A timer for those who judge others by their silence. This process may have been busy or stopped itself: the turns of the
 * event loop behind the timer let links hand over what has arrived meanwhile, and what it is late by is told.
 * @param run gets the milliseconds for which this process was away
 */
export function afterOwnTime(milliseconds: number, run: (away: number) => void): NodeJS.Timeout {
  const due = performance.now() + milliseconds;
  return setTimeout(() => {
    const late = performance.now() - due;
    setImmediate(() => setImmediate(() => run(late > TOLERANCE ? late : 0)));
  }, milliseconds);
}

/** Waits in the same way. @returns the milliseconds for which this process was away */
export function sleepOwnTime(milliseconds: number): Promise<number> {
  return new Promise((resolve) => {
    afterOwnTime(milliseconds, resolve);
  });
}
