/**
 * The main job as a story: on a private wire of its own, an image is exported, found, filled with random data over the
 * wire, read back and compared.
 */
import { join } from 'node:path';
import { FaultsError } from '../../base/errors.js';
import { formatSize } from '../../base/units.js';
import type { Host } from '../../hosts/host/host.js';
import { makeWire, makeWireInPlace, removeWire, type Wire } from '../../hosts/host/namespace.js';
import { type ExportReport, exportTarget } from '../../serve/exports/export.js';
import { type Provided, type ProvideOptions, provide } from '../../serve/exports/provide.js';
import { unexportTargets } from '../../serve/exports/unexport.js';
import { type Discovered, discover } from '../../wire/initiator/discover.js';
import { openTarget } from '../../wire/initiator/open.js';
import type { Link } from '../../wire/link/link.js';
import { openPacketLink } from '../../wire/link/packet.js';
import { removeAbandoned } from '../testbed/abandoned.js';
import { makeRunFolder, type RunFolder } from '../testbed/run-folder.js';
import { digestOfStart, type Passage, readBack, writeRandom } from './round-trip.js';

export interface DemoOptions extends Omit<ProvideOptions, 'onEvent'> {
  implementation: string;
  /** Bytes written and read back; whole sectors. */
  bytes: number;
  /** Of the wire, in bytes. */
  mtu: number;
  /** The process is in a network namespace of its own already: no other is made. */
  inPlace: boolean;
}

export interface DemoReport {
  implementation: string;
  release: string;
  source: { digest: string; location: string; pinned: string };
  patches: string[];
  build: string;
  export: string;
  mtu: number;
  target: Discovered;
  bytesWritten: number;
  bytesRead: number;
  /** Milliseconds. */
  writeTime: number;
  readTime: number;
  /** SHA-256 of what was sent, of what came back, and of the same part of the backing file. */
  sha256: { written: string; read: string; file: string };
  verified: boolean;
}

const PURPOSE = 'demo';
const SHELF = 0;
const SLOT = 1;

/** A step of the demo, in the form of `ui/tasks.ts`. */
export interface DemoStep {
  title: string;
  run(say: (text: string) => void): Promise<void>;
}

/** One run of the demo: its steps in order, what it found, and the way to take it all away. */
export class Demo {
  readonly #host: Host;
  readonly #options: DemoOptions;
  #provided: Provided | undefined;
  #wire: Wire | undefined;
  #folder: RunFolder | undefined;
  #exported: ExportReport | undefined;
  #link: Link | undefined;
  readonly #report: Partial<DemoReport> = {};

  constructor(host: Host, options: DemoOptions) {
    this.#host = host;
    this.#options = options;
  }

  steps(): DemoStep[] {
    const { implementation, bytes, mtu } = this.#options;
    const size = formatSize(bytes);
    return [
      { title: `Source and build of ${implementation}`, run: (say) => this.#provide(say) },
      { title: `Private wire (veth pair, MTU ${mtu})`, run: (say) => this.#makeWire(say) },
      { title: `Export`, run: (say) => this.#export(say) },
      { title: 'Discovery over the wire', run: (say) => this.#discover(say) },
      { title: `Write ${size} of random data over the wire`, run: (say) => this.#write(say) },
      { title: `Read it back and compare`, run: (say) => this.#read(say) },
    ];
  }

  /**
   * @throws FaultsError if what came back, or what is in the file, is not what was sent
   */
  report(): DemoReport {
    const report = this.#report as DemoReport;
    const { written, read, file } = report.sha256;
    if (written === read && written === file) return report;
    throw new FaultsError({
      tried: `comparing ${formatSize(report.bytesWritten)} written to ${report.export} with what came back`,
      happened: [`written ${written}`, `read    ${read}`, `file    ${file}`],
      next: 'report this with the output of `aoe-lab demo -v`',
    });
  }

  /** Takes away all that the demo made; can be called at any point, and twice. */
  async cleanUp(): Promise<void> {
    await this.#link?.close();
    if (this.#exported) await unexportTargets(this.#host, [this.#exported.id], true);
    this.#exported = undefined;
    if (this.#wire) await removeWire(this.#host, this.#wire);
    this.#wire = undefined;
    await this.#folder?.remove();
    this.#folder = undefined;
  }

  async #provide(say: (text: string) => void): Promise<void> {
    const { implementation, release, source, offline, unpinned } = this.#options;
    const started = performance.now();
    const provided = await provide(implementation, {
      release,
      source,
      offline,
      unpinned,
      onEvent: (event) => {
        if (event.kind === 'trying') say(event.location);
      },
    });
    this.#provided = provided;
    const { tree } = provided;
    Object.assign(this.#report, {
      implementation: provided.implementation,
      release: provided.release,
      source: { digest: tree.digest, location: tree.location, pinned: tree.pinned },
      patches: provided.patches,
      build: provided.build,
    } satisfies Partial<DemoReport>);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    say(
      `${provided.release} from ${tree.location}, ${provided.cached ? 'built before' : `built in ${seconds} s`}`,
    );
  }

  async #makeWire(say: (text: string) => void): Promise<void> {
    await removeAbandoned(this.#host, PURPOSE);
    const { inPlace, mtu } = this.#options;
    this.#wire = inPlace ? await makeWireInPlace(this.#host, mtu) : await makeWire(this.#host, PURPOSE, mtu);
    this.#report.mtu = mtu;
    say(this.#wire.netns === undefined ? 'in this namespace' : `in namespace ${this.#wire.netns}`);
  }

  async #export(say: (text: string) => void): Promise<void> {
    const wire = required(this.#wire);
    this.#folder = await makeRunFolder('demo');
    const report = await exportTarget(this.#host, required(this.#provided), {
      shelf: SHELF,
      slot: SLOT,
      iface: wire.target,
      ...(wire.netns === undefined ? {} : { netns: wire.netns }),
      path: join(this.#folder.path, 'image'),
      keepLog: false,
      // Twice the data, so that the end of the device is not the end of the data.
      size: this.#options.bytes * 2,
      options: {},
    });
    this.#exported = report;
    this.#report.export = report.id;
    say(`${formatSize(report.size)} as e${SHELF}.${SLOT}, process ${report.pids.join(' ')}`);
  }

  async #discover(say: (text: string) => void): Promise<void> {
    const wire = required(this.#wire);
    this.#link = await openPacketLink({ iface: wire.initiator, netns: wire.netns });
    const found = await discover(this.#link, { wait: 300 });
    const exported = required(this.#exported);
    const [target] = found;
    if (found.length !== 1 || target?.mac !== exported.mac || target.sectors !== exported.sectors) {
      throw new FaultsError({
        tried: `looking for ${exported.id} over the wire`,
        happened: `expected one target with ${exported.sectors} sectors at ${exported.mac}, found ${JSON.stringify(found)}`,
      });
    }
    this.#report.target = target;
    say(
      `${target.model} "${target.serial}", ${target.sectors} sectors, ${target.bufferCount} buffers, ${target.maxSectors} sectors a frame`,
    );
  }

  async #write(say: (text: string) => void): Promise<void> {
    const { bytes } = this.#options;
    const target = await openTarget(required(this.#link), { shelf: SHELF, slot: SLOT });
    const written = await writeRandom(target, bytes, (done) => say(percent(done, bytes)));
    Object.assign(this.#report, {
      bytesWritten: written.bytes,
      writeTime: written.time,
      sha256: { written: written.sha256, read: '', file: '' },
    } satisfies Partial<DemoReport>);
    say(rate(written));
  }

  async #read(say: (text: string) => void): Promise<void> {
    const { bytes } = this.#options;
    const target = await openTarget(required(this.#link), { shelf: SHELF, slot: SLOT });
    const read = await readBack(target, bytes, (done) => say(percent(done, bytes)));
    const sha256 = required(this.#report.sha256);
    sha256.read = read.sha256;
    sha256.file = await digestOfStart(required(this.#exported).file, bytes);
    Object.assign(this.#report, {
      bytesRead: read.bytes,
      readTime: read.time,
      verified: sha256.read === sha256.written && sha256.file === sha256.written,
    } satisfies Partial<DemoReport>);
    say(`${rate(read)}, ${this.#report.verified ? 'equal' : 'NOT EQUAL'}`);
  }
}

function percent(done: number, total: number): string {
  return `${Math.round((done / total) * 100)} %`;
}

function rate({ bytes, time }: Passage): string {
  return `${formatSize(bytes)} in ${(time / 1000).toFixed(1)} s, ${(bytes / 1000 / time).toFixed(0)} MB/s`;
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('a step of the demo ran before the one it needs');
  return value;
}
