/**
 * The order of writes that are under way at the same time. Two that overlap are carried out one after the other, in the
 * order in which they came: a request that was repeated because it took long must not overwrite what was written after it
 * had been answered. A flush waits for the writes that came before it, and holds up nothing that comes after.
 */
export class WriteOrder {
  readonly #writes = new Set<Write>();
  readonly #flushes: Flush[] = [];

  /** Whether nothing is under way. */
  get idle(): boolean {
    return this.#writes.size === 0 && this.#flushes.length === 0;
  }

  /**
   * Begins a write as soon as those before it that overlap it are done.
   * @param run gets the function to be called, once, when it is done
   */
  write(sector: number, count: number, run: (done: () => void) => void): void {
    const write: Write = { sector, count, run, waitsFor: 0, waiting: [] };
    for (const earlier of this.#writes) {
      if (!overlap(earlier, sector, count)) continue;
      earlier.waiting.push(write);
      write.waitsFor++;
    }
    this.#writes.add(write);
    if (write.waitsFor === 0) this.#begin(write);
  }

  /** Calls `run` when all writes that were given before are done. */
  flush(run: () => void): void {
    if (this.#writes.size === 0) {
      run();
      return;
    }
    this.#flushes.push({ before: new Set(this.#writes), run });
  }

  #begin(write: Write): void {
    write.run(() => {
      if (!this.#writes.delete(write)) return;
      for (const next of write.waiting) {
        next.waitsFor--;
        if (next.waitsFor === 0) this.#begin(next);
      }
      this.#release(write);
    });
  }

  #release(write: Write): void {
    for (const flush of this.#flushes) flush.before.delete(write);
    for (let index = 0; index < this.#flushes.length; ) {
      const flush = this.#flushes[index] as Flush;
      if (flush.before.size > 0) {
        index++;
        continue;
      }
      this.#flushes.splice(index, 1);
      flush.run();
    }
  }
}

interface Write {
  sector: number;
  count: number;
  run(done: () => void): void;
  /** Overlapping writes before it that are not done. */
  waitsFor: number;
  waiting: Write[];
}

interface Flush {
  before: Set<Write>;
  run(): void;
}

function overlap(write: Write, sector: number, count: number): boolean {
  return sector < write.sector + write.count && write.sector < sector + count;
}
