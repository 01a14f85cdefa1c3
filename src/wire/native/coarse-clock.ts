/** Milliseconds between two looks at the time. */
const TICK = 250;

/**
 * Time that this process has spent running, in milliseconds, as it was a quarter of a second ago at most: to ask costs
 * nothing. While the process is stopped, or its machine asleep, it stands still: silence is then nobody's fault.
 */
export const coarseClock = { now: 0 };

let last = performance.now();
setInterval(() => {
  const now = performance.now();
  coarseClock.now += Math.min(now - last, 2 * TICK);
  last = now;
}, TICK).unref();
