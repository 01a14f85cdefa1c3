import { randomBytes } from 'node:crypto';
import type { Host } from '../../hosts/host/host.js';
import { writeLines } from '../../hosts/host/write-line.js';

/** What the kernel of a host says from a moment on: old modules tell of refusals nowhere else. */
export class KernelWords {
  readonly #host: Host;
  readonly #mark: string;

  /** @param occasion stands in the kernel's log as well, for whoever reads that */
  constructor(host: Host, occasion: string) {
    this.#host = host;
    this.#mark = `${occasion} [${randomBytes(4).toString('hex')}]`;
  }

  /** The line that has to be written for it to begin. */
  get beginning(): { path: string; line: string } {
    return { path: '/dev/kmsg', line: this.#mark };
  }

  /** Begins now. */
  async begin(): Promise<void> {
    await this.#host.run(writeLines([this.beginning]));
  }

  /** The lines since then, without their times. */
  async since(): Promise<string[]> {
    const { stdout } = await this.#host.run(['dmesg']);
    const lines = stdout.split('\n').map((line) => line.replace(/^\[ *\d+\.\d+\] /, ''));
    const start = lines.findIndex((line) => line.includes(this.#mark));
    return lines.slice(start + 1).filter((line) => line !== '' && !line.startsWith('aoe-lab: '));
  }
}
