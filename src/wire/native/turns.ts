/**
 * Turns at Node's thread pool, which all disks share: an operation at a disk that does not answer keeps its thread for as
 * long as that lasts, so that nobody may take more than a few.
 */
export class Turns {
  readonly #limit: number;
  #taken = 0;
  readonly #line: (() => void)[] = [];

  /** @param limit operations at a time; the others wait in line */
  constructor(limit: number) {
    this.#limit = limit;
  }

  async run<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#taken >= this.#limit) await new Promise<void>((resolve) => this.#line.push(resolve));
    else this.#taken++;
    try {
      return await operation();
    } finally {
      const next = this.#line.shift();
      if (next === undefined) this.#taken--;
      else next();
    }
  }
}

/** Threads of the pool (libuv's own default is 4), shared out: a quarter to openings, the rest to disks. */
const THREADS = Number(process.env.UV_THREADPOOL_SIZE) || 4;
const A_DISK = Math.max(2, Math.min(6, THREADS >> 2));
const AN_EXPORT = Math.max(2, Math.min(4, THREADS >> 2));

/** Turns for opening what is to be served: which disk it lies on is not known before. */
export const openingTurns = new Turns(Math.max(2, THREADS >> 2));

const disks = new Map<number, Turns>();

/** Turns of all exports on one disk or file system. @param device its number (stat(2)) */
export function turnsAt(device: number): Turns {
  const turns = disks.get(device) ?? new Turns(A_DISK);
  disks.set(device, turns);
  return turns;
}

export function turnsOfExport(): Turns {
  return new Turns(AN_EXPORT);
}
