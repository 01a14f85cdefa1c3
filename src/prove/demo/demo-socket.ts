/**
 * The demo where neither root nor a compiler can be had: the native target in a process of its own, and the initiator in
 * this one, joined by a Unix socket that carries Ethernet frames as QEMU's `-netdev stream` does.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { FaultsError, LabError } from '../../base/errors.js';
import { packageRoot } from '../../base/files/paths.js';
import { formatSize } from '../../base/units.js';
import { formatMac } from '../../wire/aoe/index.js';
import { type Discovered, discover } from '../../wire/initiator/discover.js';
import { openTarget } from '../../wire/initiator/open.js';
import type { StreamLink } from '../../wire/link/stream.js';
import { connectStream } from '../../wire/link/stream-open.js';
import { makeRunFolder, type RunFolder } from '../testbed/run-folder.js';
import type { DemoStep } from './demo.js';
import { digestOfStart, type Passage, readBack, writeRandom } from './round-trip.js';

export interface SocketDemoReport {
  implementation: 'native';
  /** What joins the two processes. */
  wire: 'socket';
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

const ADDRESS = { shelf: 0, slot: 1 };

/** One run: its steps in order, what it found, and the way to take it all away. */
export class SocketDemo {
  readonly #bytes: number;
  readonly #mtu: number;
  #folder: RunFolder | undefined;
  #child: ChildProcess | undefined;
  #link: StreamLink | undefined;
  #target: Discovered | undefined;
  #written: Passage | undefined;
  #read: Passage | undefined;
  #fileDigest = '';

  /**
   * @param bytes written and read back; whole sectors
   * @param mtu of the wire
   */
  constructor(bytes: number, mtu: number) {
    this.#bytes = bytes;
    this.#mtu = mtu;
  }

  steps(): DemoStep[] {
    return [
      { title: 'Native target in a process of its own', run: (say) => this.#serve(say) },
      { title: `Wire (Unix socket, MTU ${this.#mtu})`, run: (say) => this.#connect(say) },
      { title: 'Discovery over the wire', run: (say) => this.#discover(say) },
      {
        title: `Write ${formatSize(this.#bytes)} of random data over the wire`,
        run: (say) => this.#write(say),
      },
      { title: 'Read it back and compare', run: (say) => this.#readBack(say) },
    ];
  }

  /** @throws FaultsError if what came back, or what is in the file, is not what was sent */
  report(): SocketDemoReport {
    const [written, read] = [required(this.#written), required(this.#read)];
    const sha256 = { written: written.sha256, read: read.sha256, file: this.#fileDigest };
    if (sha256.written !== sha256.read || sha256.written !== sha256.file) {
      throw new FaultsError({
        tried: `comparing ${formatSize(written.bytes)} written to e0.1 with what came back`,
        happened: [`written ${sha256.written}`, `read    ${sha256.read}`, `file    ${sha256.file}`],
        next: 'report this with the output of `aoe-lab demo --socket -v`',
      });
    }
    return {
      implementation: 'native',
      wire: 'socket',
      mtu: this.#mtu,
      target: required(this.#target),
      bytesWritten: written.bytes,
      bytesRead: read.bytes,
      writeTime: written.time,
      readTime: read.time,
      sha256,
      verified: true,
    };
  }

  /** Takes away all that the demo made; can be called at any point, and twice. */
  async cleanUp(): Promise<void> {
    await this.#link?.close();
    const child = this.#child;
    this.#child = undefined;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'close');
      child.stdin?.end();
      await ended;
    }
    await this.#folder?.remove();
    this.#folder = undefined;
  }

  async #serve(say: (text: string) => void): Promise<void> {
    const folder = await makeRunFolder('demo');
    this.#folder = folder;
    const image = await open(this.#image, 'w', 0o600);
    // Twice the data, so that the end of the device is not the end of the data.
    await image.truncate(this.#bytes * 2);
    await image.close();
    const program = join(packageRoot, 'dist', 'src', 'prove', 'demo', 'demo-target.js');
    const argv = [program, this.#socket, this.#image, String(this.#mtu)];
    const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    const isReady = await Promise.race([
      once(child.stdout, 'data').then(() => true),
      once(child, 'close').then(() => false),
    ]);
    if (!isReady) throw new LabError({ tried: 'starting the native target', happened: complaint.trim() });
    say(`${formatSize(this.#bytes * 2)} as e0.1, process ${child.pid}`);
  }

  async #connect(say: (text: string) => void): Promise<void> {
    this.#link = await connectStream({ path: this.#socket }, { mtu: this.#mtu });
    say(`this end is ${formatMac(this.#link.mac)}`);
  }

  async #discover(say: (text: string) => void): Promise<void> {
    const found = await discover(required(this.#link), { wait: 300 });
    const [target] = found;
    if (found.length !== 1 || target?.sectors !== (this.#bytes * 2) / 512) {
      throw new FaultsError({
        tried: 'looking for e0.1 over the wire',
        happened: `expected one target with ${(this.#bytes * 2) / 512} sectors, found ${JSON.stringify(found)}`,
      });
    }
    this.#target = target;
    say(
      `${target.model} "${target.serial}", ${target.sectors} sectors, ${target.bufferCount} buffers, ${target.maxSectors} sectors a frame`,
    );
  }

  async #write(say: (text: string) => void): Promise<void> {
    const target = await openTarget(required(this.#link), ADDRESS);
    this.#written = await writeRandom(target, this.#bytes, (done) => say(this.#percent(done)));
    await target.flush();
    say(describePassage(this.#written));
  }

  async #readBack(say: (text: string) => void): Promise<void> {
    const target = await openTarget(required(this.#link), ADDRESS);
    this.#read = await readBack(target, this.#bytes, (done) => say(this.#percent(done)));
    this.#fileDigest = await digestOfStart(this.#image, this.#bytes);
    const { sha256 } = required(this.#written);
    const isEqual = this.#read.sha256 === sha256 && this.#fileDigest === sha256;
    say(`${describePassage(this.#read)}, ${isEqual ? 'equal' : 'NOT EQUAL'}`);
  }

  get #image(): string {
    return join(required(this.#folder).path, 'image');
  }

  get #socket(): string {
    return join(required(this.#folder).path, 'wire');
  }

  #percent(done: number): string {
    return `${Math.round((done / this.#bytes) * 100)} %`;
  }
}

function describePassage({ bytes, time }: Passage): string {
  return `${formatSize(bytes)} in ${(time / 1000).toFixed(1)} s, ${(bytes / 1000 / time).toFixed(0)} MB/s`;
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('a step of the demo ran before the one it needs');
  return value;
}
