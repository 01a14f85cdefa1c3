/** Failed operations of one kind, since the process began. */
export interface FaultCount {
  operation: 'read' | 'write' | 'flush';
  /** The system's name of the error, such as EIO or ENOSPC; "beyond" where the file ends before the sector. */
  code: string;
  /** Where it failed last, of the export; null of a flush. */
  sector: number | null;
  count: number;
  /** ISO 8601: of the last one. */
  last: string;
}

/** Kinds that are told apart; there are no more errors that a disk gives. */
const MOST = 16;
/** Milliseconds between two lines on the same kind. */
const PAUSE = 60_000;

/** What failed at the disk of one export: counted by kind, so that a failing disk fills neither memory nor log. */
export class IoFaults {
  readonly #counts = new Map<string, FaultCount>();
  readonly #told = new Map<FaultCount, { count: number; at: number }>();

  record(operation: FaultCount['operation'], code: string, sector: number | null): void {
    const key = `${operation} ${code}`;
    const known = this.#counts.get(key);
    const last = new Date().toISOString();
    if (known !== undefined) Object.assign(known, { sector, count: known.count + 1, last });
    else if (this.#counts.size < MOST) this.#counts.set(key, { operation, code, sector, count: 1, last });
  }

  get list(): FaultCount[] {
    return [...this.#counts.values()];
  }

  /** What the log has to be told: a new kind at once, more of a known one now and then. @param now milliseconds */
  news(now: number): string[] {
    return this.list.flatMap((fault) => {
      const told = this.#told.get(fault);
      if (told !== undefined && (told.count === fault.count || now - told.at < PAUSE)) return [];
      this.#told.set(fault, { count: fault.count, at: now });
      return [describeFault(fault)];
    });
  }
}

/** "writing sector 4711 failed: ENOSPC, 3 times, last at 2026-01-01T00:00:00.000Z" */
export function describeFault({ operation, code, sector, count, last }: FaultCount): string {
  const doing = { read: 'reading', write: 'writing', flush: 'flushing' }[operation];
  const where = sector === null ? '' : ` sector ${sector}`;
  const often = count === 1 ? '' : `, ${count} times`;
  return `${doing}${where} failed: ${code}${often}, last at ${last}`;
}
