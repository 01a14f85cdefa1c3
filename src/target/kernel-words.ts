import { randomBytes } from 'node:crypto';
import type { Host } from '../host/host.js';
import { writeLine } from '../host/write-line.js';

/** What the kernel of a host says from a moment on: old modules tell of refusals nowhere else. */
export class KernelWords {
  readonly #host: Host;
  readonly #mark: string;

  private constructor(host: Host, mark: string) {
    this.#host = host;
    this.#mark = mark;
  }

  /** Begins now. @param occasion stands in the kernel's log as well, for whoever reads that */
  static async from(host: Host, occasion: string): Promise<KernelWords> {
    const mark = `${occasion} [${randomBytes(4).toString('hex')}]`;
    await host.run(writeLine('/dev/kmsg', mark));
    return new KernelWords(host, mark);
  }

  /** The lines since then, without their times. */
  async since(): Promise<string[]> {
    const { stdout } = await this.#host.run(['dmesg']);
    const lines = stdout.split('\n').map((line) => line.replace(/^\[ *\d+\.\d+\] /, ''));
    const start = lines.findIndex((line) => line.includes(this.#mark));
    return lines.slice(start + 1).filter((line) => line !== '' && !line.startsWith('aoe-lab: '));
  }
}
