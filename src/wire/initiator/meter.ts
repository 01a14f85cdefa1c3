import { createHash } from 'node:crypto';
import { formatAddress, formatMac } from '../aoe/index.js';
import type { PathReport } from './lane.js';
import type { StrayReport } from './strays.js';
import type { Target } from './target.js';

/** What a copy moved. */
export interface CopyReport {
  address: string;
  /** "02:00:00:00:00:01" */
  mac: string;
  /** Of the device, in bytes. */
  offset: number;
  /** Of the whole copy, what an earlier run has moved included. */
  bytes: number;
  /** Moved by an earlier run. */
  resumedAt: number;
  /** Blocks of zeros that were left out: holes of the file, or not sent. */
  zeroBytes: number;
  seconds: number;
  /** Millions of bytes a second, of this run. */
  megabytesPerSecond: number;
  /** Of all bytes, as lower-case hex. */
  sha256: string;
  /** How the paths fared. */
  paths: (Omit<PathReport, 'mac'> & { mac: string | null })[];
  /** Sectors in a frame, at the end. */
  sectorsPerFrame: number;
  strays: StrayReport;
}

/** Counts and digests what passes. */
export class Meter {
  resumedAt = 0;
  zeroBytes = 0;
  readonly #target: Target;
  readonly #offset: number;
  readonly #onProgress: (done: number) => void;
  readonly #hash = createHash('sha256');
  readonly #started = performance.now();
  #bytes = 0;

  /**
   * @param offset of the device, in bytes
   * @param onProgress called with the bytes moved so far
   */
  constructor(target: Target, offset: number, onProgress: (done: number) => void) {
    this.#target = target;
    this.#offset = offset;
    this.#onProgress = onProgress;
  }

  async *watch(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      this.#hash.update(chunk);
      this.#bytes += chunk.length;
      this.#onProgress(this.#bytes);
      yield chunk;
    }
  }

  report(): CopyReport {
    const seconds = (performance.now() - this.#started) / 1000;
    return {
      address: formatAddress(this.#target.address),
      mac: formatMac(this.#target.mac),
      offset: this.#offset,
      bytes: this.#bytes,
      resumedAt: this.resumedAt,
      zeroBytes: this.zeroBytes,
      seconds,
      megabytesPerSecond: (this.#bytes - this.resumedAt) / 1e6 / seconds,
      sha256: this.#hash.digest('hex'),
      paths: this.#target.paths.map((path) => ({
        ...path,
        mac: path.mac === undefined ? null : formatMac(path.mac),
      })),
      sectorsPerFrame: this.#target.sectorsPerFrame,
      strays: this.#target.strays,
    };
  }
}
