/**
 * Targets side by side: each exports the same file on a wire of its own, and is loaded in turn, round after round.
 */
import { cpus } from 'node:os';
import { join } from 'node:path';
import { LabError, MissingError } from '../../base/errors.js';
import { formatSize } from '../../base/units.js';
import type { Host } from '../../hosts/host/host.js';
import { SECTOR } from '../../wire/aoe/index.js';
import { RemoteDut, type Site, surveySegment } from '../testbed/remote-dut.js';
import { makeRunFolder, type RunFolder } from '../testbed/run-folder.js';
import { type BenchReport, benchNotes, MODE_NOTES, type Mode, overall } from './bench-report.js';
import type { Contender, RunSpec } from './contender.js';
import type { ContenderSpec } from './contender-specs.js';
import { REFLECTOR, reflectorContender } from './contenders/reflector.js';
import { cpuTime, cpuTimeOn } from './cpu.js';
import { type EnterOptions, enter, wiringHere } from './enter.js';
import { dropFile, makeBenchFile } from './file.js';
import { makeBenchFileOn } from './file-on-host.js';
import { LoadGenerator } from './generator.js';
import { allPoints, type Point, pointName, schedule, type Turn } from './points.js';
import { type MeasuredRun, type PointReport, sumUp } from './results.js';
import { removeAbandonedWires } from './wires.js';

export interface BenchOptions {
  specs: readonly ContenderSpec[];
  offline?: boolean | undefined;
  unpinned?: boolean | undefined;
  /** Whether kernel modules are among them: they run in guests, and the frames of all pass a hub. */
  hub: boolean;
  /** Of guests, as guestKernel takes it. */
  kernel: string;
  sizes: readonly number[];
  depths: readonly number[];
  mixes: readonly number[];
  /** Seconds measured in each run. */
  seconds: number;
  rounds: number;
  /** Of the wires, in bytes. */
  mtu: number;
  mode: Mode;
  /** Bytes of the backing file. */
  fileSize: number;
  /** Where the backing file is made. Default on a host: the trial's own folder. */
  folder: string | undefined;
  /** A host over SSH that the targets run on instead; the load is generated here. */
  site?: Site | undefined;
  /** Whether the reflector is measured as well. */
  ceiling: boolean;
}

const WARM_UP = 100;
const FIRST_MARK = 0x100;

/** One benchmark: its steps in order, in the form of `ui/tasks.ts`, its report, and the way to take all away. */
export class Bench {
  readonly #host: Host;
  readonly #options: BenchOptions;
  readonly #contenders: Contender[] = [];
  readonly #skipped: BenchReport['skipped'] = [];
  readonly #runs = new Map<string, MeasuredRun[]>();
  #generator: LoadGenerator | undefined;
  #folder: RunFolder | undefined;
  #dut: RemoteDut | undefined;
  #path = '';
  readonly #undo: (() => Promise<unknown>)[] = [];
  #mark = FIRST_MARK;
  #cleaning: Promise<void> | undefined;

  constructor(host: Host, options: BenchOptions) {
    this.#host = host;
    this.#options = options;
  }

  steps(): { title: string; run(say: (text: string) => void): Promise<void> }[] {
    const { specs, fileSize } = this.#options;
    return [
      { title: `Backing file of ${formatSize(fileSize)}`, run: (say) => this.#makeFile(say) },
      {
        title: `Set up ${specs.map(({ name }) => name).join(', ')}`,
        run: (say) => this.#setUp(say),
      },
      { title: 'Measure', run: (say) => this.#measure(say) },
    ];
  }

  async report(): Promise<BenchReport> {
    const { mode, fileSize, seconds, rounds } = this.#options;
    const points = this.#points().map((point) => this.#pointReport(point));
    const trouble: string[] = [];
    for (const { name, trouble: ask } of this.#contenders) {
      for (const text of (await ask?.()) ?? []) trouble.push(`${name}: its kernel complained: ${text}`);
    }
    return {
      machine: await machineOf(this.#dut?.host ?? this.#host),
      mode,
      modeNote: MODE_NOTES[mode],
      fileSize,
      mtu: this.#mtu(),
      seconds,
      rounds,
      date: new Date().toISOString(),
      contenders: this.#contenders.map(({ name, release, protocol, setUp, bufferCount }) => ({
        name,
        release,
        protocol,
        setUp,
        ...(bufferCount === undefined ? {} : { bufferCount }),
      })),
      skipped: this.#skipped,
      points,
      overall: overall(
        this.#contenders.map(({ name }) => name),
        points,
      ),
      notes: [...benchNotes(this.#contenders, this.#options, points), ...trouble],
    };
  }

  /** Can be called at any point; a second call waits for the first. */
  cleanUp(): Promise<void> {
    this.#cleaning ??= this.#takeAway();
    return this.#cleaning;
  }

  async #takeAway(): Promise<void> {
    await this.#generator?.close();
    this.#generator = undefined;
    for (const contender of this.#contenders.splice(0)) await contender.stop();
    for (const undo of this.#undo.splice(0).reverse()) await undo();
    await this.#folder?.remove();
    this.#folder = undefined;
  }

  #points(): Point[] {
    const { sizes, depths, mixes } = this.#options;
    return allPoints(sizes, depths, mixes);
  }

  async #makeFile(say: (text: string) => void): Promise<void> {
    const { folder, fileSize, mode, site, mtu } = this.#options;
    if (site === undefined) {
      await removeAbandonedWires(this.#host);
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
    if (mode === 'direct') await this.#drop();
  }

  #drop(): Promise<void> {
    return dropFile(this.#dut?.host ?? this.#host, this.#path);
  }

  #mtu(): number {
    return this.#dut?.segment.mtu ?? this.#options.mtu;
  }

  async #setUp(say: (text: string) => void): Promise<void> {
    const { specs, fileSize, mode, ceiling, offline = false, unpinned, hub, kernel } = this.#options;
    const isOnly = specs.length === 1;
    const options: EnterOptions = { hub, kernel, offline, unpinned, dut: this.#dut, isOnly };
    const mtu = this.#mtu();
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
      await this.#admit(spec.name, () => enter(this.#host, spec, conditions, generator, index, options));
    }
    const [first] = this.#skipped;
    if (this.#contenders.length === 0 && first !== undefined) {
      throw new MissingError({
        tried: 'setting up the benchmark',
        happened: this.#skipped.map(({ contender, reason }) => `${contender}: ${reason}`),
        next: '`aoe-lab list` shows which targets can be exported',
        missing: this.#skipped.map(({ contender }) => contender),
      });
    }
    if (ceiling) {
      say(REFLECTOR);
      const wiring = () =>
        wiringHere(this.#host, { index: specs.length, mtu, path: conditions.path }, options);
      await this.#admit(REFLECTOR, () => reflectorContender(this.#host, conditions, generator, wiring));
    }
    say(this.#contenders.map(({ name }) => name).join(', '));
  }

  /** One that can't take part is named in the report; the others are measured all the same. */
  async #admit(name: string, make: () => Promise<Contender>): Promise<void> {
    try {
      this.#contenders.push(await make());
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      this.#skipped.push({ contender: name, reason: error.message });
    }
  }

  async #measure(say: (text: string) => void): Promise<void> {
    const { rounds, seconds } = this.#options;
    const turns = schedule(this.#points(), this.#contenders.length, rounds).filter(
      ({ point, contender }) => this.#contenders[contender]?.refuses(point) === undefined,
    );
    // On a host each begins anew when its turn comes, and would be measured cold.
    if (this.#dut !== undefined) turns.sort((a, b) => a.contender - b.contender);
    let current: Contender | undefined;
    for (const [index, turn] of turns.entries()) {
      const contender = this.#contenders[turn.contender] as Contender;
      if (contender !== current) {
        await current?.end?.();
        await contender.begin?.();
        current = contender;
      }
      const left = Math.ceil((turns.length - index) * (seconds + WARM_UP / 1000 + 0.05));
      say(
        `${pointName(turn.point)}: ${contender.name} (run ${index + 1} of ${turns.length}, ${left} s left)`,
      );
      const run = await this.#run(contender, turn);
      const key = keyOf(contender.name, turn.point);
      this.#runs.set(key, [...(this.#runs.get(key) ?? []), run]);
    }
    say(`${turns.length} runs`);
  }

  async #run(contender: Contender, { point, round }: Turn): Promise<MeasuredRun> {
    const { seconds, mode } = this.#options;
    if (mode === 'cold') await this.#drop();
    const spec: RunSpec = {
      point,
      // The same for all contenders in a round.
      seed: (round + 1) * 7919 + point.size + point.depth,
      mark: this.#mark++,
      // A warm-up would warm the cache.
      warmUp: mode === 'cold' ? 0 : WARM_UP,
      time: seconds * 1000,
    };
    const { pids, host } = contender;
    const spent = () => (host === undefined ? cpuTime(pids) : cpuTimeOn(host, pids));
    const before = await spent();
    const run = await contender.run(spec);
    const cpu = pids.length === 0 ? undefined : (await spent()) - before;
    return { ...run, round, cpu };
  }

  #pointReport(point: Point): PointReport {
    const runsOf = (name: string | undefined) =>
      name === undefined ? undefined : this.#runs.get(keyOf(name, point));
    const first = this.#contenders[0]?.name;
    const results = this.#contenders.map((contender) => {
      const { name } = contender;
      const runs = runsOf(name);
      if (runs === undefined) {
        return { contender: name, skipped: contender.refuses(point) ?? 'it was not reached' };
      }
      return sumUp(name, point.size, runs, runsOf(first), runsOf(REFLECTOR));
    });
    return { ...point, name: pointName(point), results };
  }
}

/** Processors and kernel of a machine. */
async function machineOf(host: Host): Promise<BenchReport['machine']> {
  const { kernel } = await host.facts();
  if (host.isHere) return { cpus: cpus().length, model: cpus()[0]?.model ?? '', kernel };
  const script = 'grep -c "^processor" /proc/cpuinfo; sed -n "s/^model name[^:]*: //p" /proc/cpuinfo';
  const [count = '', model = ''] = (await host.run(['sh', '-c', script])).stdout.split('\n');
  return { host: host.name, cpus: Number(count), model, kernel };
}

function keyOf(name: string, { size, depth, reads }: Point): string {
  return `${name} ${size} ${depth} ${reads}`;
}
