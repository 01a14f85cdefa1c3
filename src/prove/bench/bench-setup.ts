/** What a benchmark needs: its backing file, and all contenders, each on a wire of its own. */
import { join } from 'node:path';
import { LabError, MissingError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { SECTOR } from '../../wire/aoe/index.js';
import { RemoteDut, surveySegment } from '../testbed/remote-dut.js';
import { makeRunFolder, type RunFolder } from '../testbed/run-folder.js';
import type { BenchOptions } from './bench-options.js';
import type { BenchReport } from './bench-report.js';
import type { Contender } from './contender.js';
import { REFLECTOR, reflectorContender } from './contenders/reflector.js';
import { type EnterOptions, enter, wiringHere } from './enter.js';
import { dropFile, makeBenchFile } from './file.js';
import { makeBenchFileOn } from './file-on-host.js';
import { LoadGenerator } from './generator.js';
import { removeAbandonedWires } from './wires.js';

/** Everything is made by `makeFile` and `admitAll`, and taken away by `cleanUp`. */
export class BenchSetup {
  readonly contenders: Contender[] = [];
  readonly skipped: BenchReport['skipped'] = [];
  readonly #here: Host;
  readonly #options: BenchOptions;
  #generator: LoadGenerator | undefined;
  #folder: RunFolder | undefined;
  #dut: RemoteDut | undefined;
  #path = '';
  readonly #undo: (() => Promise<unknown>)[] = [];
  #cleaning: Promise<void> | undefined;

  constructor(here: Host, options: BenchOptions) {
    this.#here = here;
    this.#options = options;
  }

  /** Where the targets run. */
  get host(): Host {
    return this.#dut?.host ?? this.#here;
  }

  /** Whether they run on a host over SSH. */
  get isFar(): boolean {
    return this.#dut !== undefined;
  }

  /** Bytes, of the wires. */
  get mtu(): number {
    return this.#dut?.segment.mtu ?? this.#options.mtu;
  }

  /** Has the backing file leave the page cache. */
  drop(): Promise<void> {
    return dropFile(this.host, this.#path);
  }

  /** Can be called at any point; a second call waits for the first. */
  cleanUp(): Promise<void> {
    this.#cleaning ??= this.#takeAway();
    return this.#cleaning;
  }

  async #takeAway(): Promise<void> {
    await this.#generator?.close();
    this.#generator = undefined;
    for (const contender of this.contenders.splice(0)) await contender.stop();
    for (const undo of this.#undo.splice(0).reverse()) await undo();
    await this.#folder?.remove();
    this.#folder = undefined;
  }

  async makeFile(say: (text: string) => void): Promise<void> {
    const { folder, fileSize, mode, site, mtu } = this.#options;
    if (site === undefined) {
      await removeAbandonedWires(this.#here);
      this.#folder = await makeRunFolder('bench', folder);
      this.#path = join(this.#folder.path, 'image');
      await makeBenchFile(this.#path, fileSize);
    } else {
      const segment = await surveySegment(site, mtu);
      const later = (undo: () => Promise<unknown>): void => void this.#undo.push(undo);
      const dut = await RemoteDut.open({ later }, segment, 'bench');
      this.#dut = dut;
      const place = folder === undefined ? dut.folder : await dut.folderIn(folder);
      this.#path = await makeBenchFileOn(site.host, place, fileSize, {
        onProgress: (done, total) => say(`${Math.floor((100 * done) / total)} % copied to ${site.host.name}`),
      });
    }
    if (mode === 'direct') await this.drop();
  }

  /** One that can't take part is named in the report; the others are measured all the same. @throws MissingError if none can */
  async admitAll(say: (text: string) => void): Promise<void> {
    const { specs, fileSize, mode, ceiling, offline = false, unpinned, hub, kernel } = this.#options;
    const isOnly = specs.length === 1;
    const options: EnterOptions = { hub, kernel, offline, unpinned, dut: this.#dut, isOnly };
    const mtu = this.mtu;
    this.#generator = new LoadGenerator();
    const conditions = {
      path: this.#path,
      sectors: fileSize / SECTOR,
      directIo: mode === 'direct',
      mtu,
    };
    const generator = this.#generator;
    for (const [index, spec] of specs.entries()) {
      say(spec.name);
      await this.#admit(spec.name, () => enter(this.#here, spec, conditions, generator, index, options));
    }
    const [first] = this.skipped;
    if (this.contenders.length === 0 && first !== undefined) {
      throw new MissingError({
        tried: 'setting up the benchmark',
        happened: this.skipped.map(({ contender, reason }) => `${contender}: ${reason}`),
        next: '`aoe-lab list` shows which targets can be exported',
        missing: this.skipped.map(({ contender }) => contender),
      });
    }
    if (ceiling) {
      say(REFLECTOR);
      const wiring = () =>
        wiringHere(this.#here, { index: specs.length, mtu, path: conditions.path }, options);
      await this.#admit(REFLECTOR, () => reflectorContender(this.#here, conditions, generator, wiring));
    }
    say(this.contenders.map(({ name }) => name).join(', '));
  }

  async #admit(name: string, make: () => Promise<Contender>): Promise<void> {
    try {
      this.contenders.push(await make());
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      this.skipped.push({ contender: name, reason: error.message });
    }
  }
}
