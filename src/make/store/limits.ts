/** Bounds on what strangers send. Sizes in bytes, times in milliseconds. */
export const LIMITS = {
  /** Of an archive as it is downloaded. */
  archive: 512 * 2 ** 20,
  /** Of a tree, or of what an archive unpacks to. */
  unpacked: 2 ** 30,
  /** Files, links and folders of an archive. */
  entries: 100_000,
  /** Unpacked to packed size, looked at from `ratioFrom` unpacked bytes on; real sources stay below 20. */
  ratio: 100,
  ratioFrom: 32 * 2 ** 20,
  redirects: 5,
  connect: 5_000,
  /** From the request to the headers of the answer. */
  answer: 10_000,
  /** Without a byte. */
  stall: 15_000,
  /** For one location altogether. */
  location: 15 * 60_000,
} as const;

export type Limits = { [name in keyof typeof LIMITS]: number };

/** Counts unpacked bytes and refuses bombs as they stream by. */
export class Budget {
  readonly #limits: Limits;
  readonly #packed: number;
  #bytes = 0;

  /** @param packed size of the archive in bytes */
  constructor(packed: number, limits: Limits = LIMITS) {
    this.#packed = packed;
    this.#limits = limits;
  }

  /** @throws Error that says which limit was passed */
  take(bytes: number): void {
    this.#bytes += bytes;
    const { unpacked, ratio, ratioFrom } = this.#limits;
    if (this.#bytes > unpacked) throw new Error(`it unpacks to more than ${unpacked} bytes`);
    if (this.#bytes > ratioFrom && this.#bytes > ratio * this.#packed) {
      throw new Error(`it unpacks to more than ${ratio} times its size, as only bombs do`);
    }
  }
}
