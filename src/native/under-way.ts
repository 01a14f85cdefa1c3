import type { Mac } from '../aoe/index.js';
import type { Served } from './served.js';

/** Requests that may wait: of one export for its disk, of one initiator at one export at least, and of an interface. */
const OF_EXPORT = 1024;
const OF_INITIATOR = 64;
const OF_INTERFACE = 4096;

/**
 * What the portable way holds of requests whose answers have not left. An initiator may have as many under way at an
 * export as its buffer count says, so that none takes the room of the others.
 */
export class UnderWay {
  #count = 0;
  readonly #exports = new Map<Served, Map<Mac, number>>();

  get count(): number {
    return this.#count;
  }

  /** @returns whether there is room for one more of an initiator's */
  begin(served: Served, source: Mac): boolean {
    const initiators = this.#exports.get(served) ?? new Map<Mac, number>();
    const own = initiators.get(source) ?? 0;
    if (this.#count >= OF_INTERFACE || served.medium.underWay >= OF_EXPORT) return false;
    if (own >= Math.max(OF_INITIATOR, served.target.bufferCount)) return false;
    this.#count++;
    initiators.set(source, own + 1);
    this.#exports.set(served, initiators);
    return true;
  }

  end(served: Served, source: Mac): void {
    this.#count--;
    const initiators = this.#exports.get(served);
    const own = (initiators?.get(source) ?? 1) - 1;
    if (own > 0) initiators?.set(source, own);
    else initiators?.delete(source);
    if (initiators?.size === 0) this.#exports.delete(served);
  }
}
