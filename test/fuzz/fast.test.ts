/** Frames of all sorts against the native target as a process on a real wire, its answers beside those of one in memory. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import { here } from '../../src/hosts/host/local.js';
import { buildFrame, type Frame, type Mac } from '../../src/wire/aoe/index.js';
import { openTarget } from '../../src/wire/initiator/open.js';
import type { Link } from '../../src/wire/link/link.js';
import { openPacketLink } from '../../src/wire/link/packet.js';
import { MemoryBacking, makeServed, type Served, sectorsPerFrame } from '../../src/wire/native/index.js';
import { Station } from '../../src/wire/native/station.js';
import { noRoot, testUnless } from '../live/support/machine.js';
import { startNative } from '../live/support/native-process.js';
import { testWire } from '../live/support/wire.js';
import { anyFrame } from '../wire/aoe/arbitraries.js';
import { mask, reserve } from '../wire/native/bench-top.js';
import { FRAMES, SEED, TIMEOUT } from './budget.js';
import { ADDRESS, corpus, Dice, INITIATOR, mutate, TARGET } from './mutate.js';

const SECTORS = 64;
const MTU = 9000;
const LEAST = 14;
/** Where the tag of a request is, and where the data of an answer begin. */
const TAG = 20;
const DATA = 36;
/** Milliseconds after which a frame counts as not answered. */
const PATIENCE = 20_000;
/** Frames after which masks and reservation are taken away: the rest would not be heard. */
const RESET = 64;
const MOST_MEMORY = 150;

/** The same target in memory: what it answers is what has to be answered. */
class Reference {
  readonly served: Served;
  readonly #station: Station;
  #sent: Buffer[] = [];

  constructor(served: Served) {
    this.served = served;
    const port = { mac: TARGET, maxSectors: sectorsPerFrame(MTU) };
    this.#station = new Station(port, (frame) => this.#sent.push(Buffer.from(frame)) > 0);
    this.#station.served = [served];
  }

  /** @returns its answer; 'never' if the request must not be made, since nobody could be heard any more */
  async ask(request: Buffer): Promise<Buffer | undefined | 'never'> {
    const { target, keeper } = this.served;
    const before = target.state;
    this.#sent = [];
    this.#station.handle(Buffer.from(request));
    await this.#station.idle();
    if (target.state.masks.length > 0 && this.#member === undefined) {
      target.state = before;
      await keeper.keep(before);
      return 'never';
    }
    return this.#sent[0];
  }

  /** An address of the mask list that can ask. */
  get #member(): Mac | undefined {
    return this.served.target.state.masks.find((mac) => mac !== TARGET && ((mac / 2 ** 40) & 1) === 0);
  }

  /** Requests that take masks and reservation away. */
  releases(): Frame[] {
    const { masks } = this.served.target.state;
    const from = this.#member ?? INITIATOR;
    const spec = { from, to: TARGET, ...ADDRESS };
    const directives = masks.map((mac) => ({ dcmd: 2, mac }));
    return [mask(1, directives, spec), reserve(2, [], { ...spec, from: INITIATOR })];
  }
}

/** Frames that are asked are numbered from 1. */
const MOST_TAG = 2 ** 24;

/** The wire, by the tags of frames. */
class Wire {
  readonly #link: Link;
  readonly #waiting = new Map<number, (answer: Buffer) => void>();
  /** Answers to nothing, or second ones. */
  readonly stray: Buffer[] = [];

  constructor(link: Link) {
    this.#link = link;
    link.onFrame = (bytes) => {
      const tag = bytes.readUInt32BE(TAG);
      const resolve = this.#waiting.get(tag);
      this.#waiting.delete(tag);
      // Late answers to whoever identified the target have tags of his.
      if (tag > MOST_TAG) return;
      if (resolve === undefined) this.stray.push(Buffer.from(bytes));
      else resolve(Buffer.from(bytes));
    };
  }

  send(request: Buffer): void {
    this.#link.send(request);
  }

  /** @returns undefined if it is not answered for long */
  ask(request: Buffer): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), PATIENCE);
      this.#waiting.set(request.readUInt32BE(TAG), (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      this.#link.send(request);
    });
  }
}

/** Frames that are in order for the most part, to the target, of what others than ours may ask as well. */
function generated(): Buffer[] {
  return fc.sample(anyFrame, { numRuns: 60, seed: SEED }).map((frame, index) => {
    const header = { ...frame.header, major: ADDRESS.shelf, minor: ADDRESS.slot };
    const usual = index % 8 === 0 ? header : { ...header, version: 1, flags: 0 };
    return buildFrame({ ...frame, ethernet: { destination: TARGET, source: INITIATOR }, header: usual });
  });
}

/** Why an answer is wrong; undefined if it is right. @param alone whether nothing else was under way */
function fault(
  request: Buffer,
  answer: Buffer | undefined,
  expected: Buffer,
  alone: boolean,
): string | undefined {
  if (answer === undefined) return 'not answered';
  const command = request[27];
  const isRead = request[19] === 0 && (command === 0x20 || command === 0x24);
  // What a read finds depends on which of the writes beside it are done.
  const end = alone || !isRead ? undefined : DATA;
  if (answer.length === expected.length && answer.subarray(0, end).equals(expected.subarray(0, end))) return;
  return `answered by ${answer.toString('hex')} instead of ${expected.toString('hex')}`;
}

async function memoryOf(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

async function lab(t: ExecutionContext, way: { ring: boolean; uring: boolean }) {
  const wire = await testWire(t, MTU);
  const ip = (...argv: string[]) => here.run(['ip', '-n', wire.netns, 'link', 'set', ...argv]);
  await ip(wire.target, 'address', '02:00:00:00:00:02');
  await ip(wire.initiator, 'address', '02:00:00:00:00:01');
  const image = randomBytes(SECTORS * 512);
  const path = join(wire.folder, 'disk');
  await writeFile(path, image);
  // What it keeps lies in memory: thousands of changes would wait for the disk otherwise.
  const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'aoe-lab-test-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const exports = [{ ...ADDRESS, iface: wire.target, path }];
  const native = await startNative(t, { netns: wire.netns, folder }, { ...way, exports });
  const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns });
  t.teardown(() => link.close());
  const { serial } = await (await openTarget(link, ADDRESS)).identify();
  const backing = new MemoryBacking(Buffer.from(image));
  const reference = new Reference(await makeServed({ address: ADDRESS, backing, serial }));
  return { native, path, backing, reference, wire: new Wire(link) };
}

const WAYS = [
  { title: 'by receive ring and io_uring', ring: true, uring: true },
  { title: 'by recvmmsg and threads', ring: false, uring: false },
];

for (const { title, ...way } of WAYS) {
  for (const together of [1, 48]) {
    testUnless(
      noRoot(),
      `${FRAMES} mutated frames, ${together} at a time, are answered by the native process ${title} as in memory`,
      async (t) => {
        t.timeout(TIMEOUT);
        t.log(`seed ${SEED}`);
        const { native, path, backing, reference, wire } = await lab(t, way);
        const dice = new Dice(SEED + together);
        const seeds = [...corpus(), ...corpus(), ...generated()];
        let number = 0;
        let answered = 0;
        const stamp = (bytes: Buffer): Buffer => {
          number++;
          if (bytes.length >= TAG + 4) bytes.writeUInt32BE(number, TAG);
          return bytes;
        };
        const batch = async (requests: readonly Buffer[]): Promise<string | undefined> => {
          const outcomes: Promise<string | undefined>[] = [];
          for (const request of requests) {
            const expected = await reference.ask(request);
            if (expected === 'never') continue;
            if (expected === undefined) {
              wire.send(request);
              continue;
            }
            answered++;
            outcomes.push(
              wire.ask(request).then((answer) => {
                const why = fault(request, answer, expected, requests.length === 1);
                return why && `${why}, frame ${number} of seed ${SEED}: ${request.toString('hex')}`;
              }),
            );
          }
          const faults = (await Promise.all(outcomes)).filter((one) => one !== undefined);
          const [stray] = wire.stray;
          return faults[0] ?? (stray && `answered without a reason: ${stray.toString('hex')}`);
        };
        let early = 0;
        for (let done = 0; done < FRAMES; ) {
          const size = Math.min(together, FRAMES - done);
          const requests = Array.from({ length: size }, () => mutate(seeds, dice))
            .filter((bytes) => bytes.length >= LEAST && bytes.length <= MTU + LEAST)
            .map(stamp);
          const why = await batch(requests);
          if (why !== undefined) return t.fail(why);
          if (Math.floor(done / RESET) !== Math.floor((done + size) / RESET)) {
            for (const release of reference.releases()) {
              const fails = await batch([stamp(buildFrame(release))]);
              if (fails !== undefined) return t.fail(fails);
            }
          }
          done += size;
          if (early === 0 && done >= FRAMES / 4) early = await memoryOf(native.child.pid);
        }
        const late = await memoryOf(native.child.pid);
        t.log(`${answered} answered, resident memory ${Math.round(early)} and ${Math.round(late)} MiB`);
        t.true(answered > FRAMES / 5);
        t.true(late < MOST_MEMORY);
        t.is(await native.kill('SIGTERM'), 0);
        t.true(backing.bytes.equals(await readFile(path)), 'the file holds what the answers say');
      },
    );
  }
}
