import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { LabError, linesOf } from '../../base/errors.js';
import { packageRoot } from '../../base/files/paths.js';
import type { GeneratorAnswer } from './generator-main.js';
import type { AnyLoad, LoadFigures } from './load.js';

/** The load generator, in a process of its own: it takes a processor for itself while it runs. */
export class LoadGenerator {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(join(packageRoot, 'dist', 'src', 'prove', 'bench', 'generator-main.js'), [], {
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.unref();
    this.#child.channel?.unref();
  }

  /**
   * Runs a load to its end; one at a time.
   * @throws LabError if the generator fails or dies
   */
  async run(load: AnyLoad): Promise<LoadFigures> {
    const child = this.#child;
    child.ref();
    child.channel?.ref();
    try {
      const answer = await new Promise<GeneratorAnswer>((resolve, reject) => {
        const died = (code: number | null, signal: string | null): void =>
          reject(
            new LabError({ tried: 'generating load', happened: `its process ended (${signal ?? code})` }),
          );
        child.once('exit', died);
        child.once('message', (message) => {
          child.off('exit', died);
          resolve(message as GeneratorAnswer);
        });
        child.send(load);
      });
      if ('failure' in answer)
        throw new LabError({ ...answer.failure, happened: linesOf(answer.failure.happened) });
      return answer.figures;
    } finally {
      child.unref();
      child.channel?.unref();
    }
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.ref();
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill();
    await ended;
  }
}
