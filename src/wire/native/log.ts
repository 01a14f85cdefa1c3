/** Lines that are remembered. */
const MOST = 256;
/** Milliseconds after which a line that did not come again is news. */
const MEMORY = 600_000;
/** How often a line was repeated when that is told: the first time, and then more and more seldom. */
const isWorthTelling = (count: number): boolean => /^10+$/.test(String(count));

/**
 * A log in which a line stands once: those that come again are counted, and how often is told at the tenth time, the
 * hundredth and so on. So the cause of a trouble stays among the last lines however long the trouble lasts.
 */
export class Log {
  readonly #write: (line: string) => void;
  /** In the order of their last use. */
  readonly #lines = new Map<string, { count: number; at: number }>();

  readonly #now: () => number;

  /** @param write gets a line without its end @param now milliseconds */
  constructor(write: (line: string) => void, now = () => performance.now()) {
    this.#write = write;
    this.#now = now;
  }

  readonly say = (line: string): void => {
    const at = this.#now();
    const known = this.#lines.get(line);
    const count = known !== undefined && at - known.at < MEMORY ? known.count + 1 : 1;
    this.#lines.delete(line);
    this.#lines.set(line, { count, at });
    if (this.#lines.size > MOST) this.#lines.delete(this.#lines.keys().next().value as string);
    if (count === 1) this.#write(line);
    else if (isWorthTelling(count)) this.#write(`${line} (${count} times by now)`);
  };
}
