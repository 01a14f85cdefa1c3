/** Bytes that a command may print where they are gathered: one that floods its output is ended before it fills the memory. */
export const LONGEST_OUTPUT = 64 << 20;

/** What a command may still print, on both its streams. */
export class Budget {
  /** Called once, when that is spent. */
  onSpent: () => void = () => {};
  #left: number;

  constructor(bytes = LONGEST_OUTPUT) {
    this.#left = bytes;
  }

  /** @returns whether a chunk is still to be kept */
  take({ length }: Uint8Array): boolean {
    if (this.#left < 0) return false;
    this.#left -= length;
    if (this.#left >= 0) return true;
    this.onSpent();
    return false;
  }
}
