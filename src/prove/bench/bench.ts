/**
 * Targets side by side: each exports the same file on a wire of its own, and is loaded in turn, round after round.
 */
import { formatSize } from '../../base/units.js';
import type { Host } from '../../hosts/host/host.js';
import type { BenchOptions } from './bench-options.js';
import type { BenchReport } from './bench-report.js';
import { BenchSetup } from './bench-setup.js';
import { measure, Runs } from './measure.js';
import { allPoints, type Point } from './points.js';
import { reportOf } from './report.js';

/** One benchmark: its steps in order, in the form of `ui/tasks.ts`, its report, and the way to take all away. */
export class Bench {
  readonly #options: BenchOptions;
  readonly #points: Point[];
  readonly #setup: BenchSetup;
  readonly #runs = new Runs();

  constructor(host: Host, options: BenchOptions) {
    const { sizes, depths, mixes } = options;
    this.#options = options;
    this.#points = allPoints(sizes, depths, mixes);
    this.#setup = new BenchSetup(host, options);
  }

  steps(): { title: string; run(say: (text: string) => void): Promise<void> }[] {
    const { specs, fileSize } = this.#options;
    return [
      { title: `Backing file of ${formatSize(fileSize)}`, run: (say) => this.#setup.makeFile(say) },
      {
        title: `Set up ${specs.map(({ name }) => name).join(', ')}`,
        run: (say) => this.#setup.admitAll(say),
      },
      {
        title: 'Measure',
        run: (say) => measure(this.#setup, this.#options, this.#points, this.#runs, say),
      },
    ];
  }

  report(): Promise<BenchReport> {
    return reportOf(this.#setup, this.#options, this.#points, this.#runs);
  }

  /** Can be called at any point; a second call waits for the first. */
  cleanUp(): Promise<void> {
    return this.#setup.cleanUp();
  }
}
