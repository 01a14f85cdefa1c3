/** Frames of all sorts against the native target in memory, beside a model of what it has to hold. */
import test from 'ava';
import {
  ALL_SHELVES,
  ALL_SLOTS,
  AtaStatus,
  BROADCAST,
  ETHERTYPE_AOE,
  type Frame,
  HeaderFlag,
  MAX_CONFIG_STRING,
  MIN_FRAME,
  parseFrame,
  SECTOR,
} from '../../src/wire/aoe/index.js';
import type { FrameListener, Link } from '../../src/wire/link/index.js';
import { isDirected } from '../../src/wire/native/directed.js';
import { LinkGateway, MemoryBacking, makeServed, type Served } from '../../src/wire/native/index.js';
import { FRAMES, SEED, TIMEOUT } from './budget.js';
import { ADDRESS, corpus, Dice, INITIATOR, mutate, TARGET } from './mutate.js';

const SECTORS = 64;
const MTU = 9000;

/** A link without another end: frames are put in, answers taken out. */
class Bench implements Link {
  readonly name = 'bench';
  readonly mac = TARGET;
  readonly mtu = MTU;
  readonly trouble = undefined;
  onFrame: FrameListener | undefined;
  sent: Buffer[] = [];

  send(frame: Uint8Array): boolean {
    this.sent.push(Buffer.from(frame));
    return true;
  }

  async close(): Promise<void> {}
}

/** What the target has to hold after each request: its disk, as far as answers tell. */
class Model {
  readonly disk: Buffer;

  constructor(disk: Buffer) {
    this.disk = Buffer.from(disk);
  }

  /** Why an answer is wrong; undefined if it is right. */
  judge(bytes: Buffer, answerBytes: Buffer, served: Served): string | undefined {
    const answer = parseFrame(answerBytes);
    const request = parseFrame(bytes);
    if (answer.kind === 'fault') return `its answer can't be read: ${answer.reason}`;
    if (request.header === undefined || request.ethernet === undefined)
      return 'what has no header was answered';
    const { header, ethernet } = answer;
    if (answerBytes.length < MIN_FRAME || answerBytes.length > MTU + 14) return `${answerBytes.length} bytes`;
    if (ethernet.source !== TARGET || ethernet.destination !== request.ethernet.source)
      return 'wrong stations';
    if (header.version !== 1 || (header.flags & 0xb) !== HeaderFlag.response) return 'wrong version or flags';
    if (header.tag !== request.header.tag || header.command !== request.header.command)
      return 'wrong tag or command';
    if (header.major !== ADDRESS.shelf || header.minor !== ADDRESS.slot) return 'wrong address';
    const isError = (header.flags & HeaderFlag.error) !== 0;
    if (isError !== header.error > 0 || header.error > 6) return `error ${header.error}, flag ${isError}`;
    if (request.header.version !== 1 && header.error !== 5) return 'another version was served';
    if (request.kind === 'fault' && !isError) return 'what can not be read was served';
    if (isError) return undefined;
    if (answer.kind === 'config' && answer.config.string.length > MAX_CONFIG_STRING)
      return 'too long a string';
    if (request.kind === 'ata' && answer.kind === 'ata') return this.#judgeAta(request, answer);
    const { masks, reservation } = served.target.state;
    if (new Set(masks).size !== masks.length || masks.length > 255) return 'a mask list with addresses twice';
    return reservation.length > 255 ? 'too long a reservation' : undefined;
  }

  #judgeAta(request: Frame & { kind: 'ata' }, answer: Frame & { kind: 'ata' }): string | undefined {
    const { cmdStatus: command, count } = request.ata;
    const wide = command === 0x24 || command === 0x34;
    const lba = wide ? request.ata.lba : request.ata.lba % 2 ** 28;
    const failed = (answer.ata.cmdStatus & AtaStatus.error) !== 0;
    if (failed !== answer.ata.errFeature > 0) return 'status and error register contradict each other';
    if (failed) return answer.data.length === 0 ? undefined : 'an error with data';
    if (command === 0x20 || command === 0x24) {
      const there = this.disk.subarray(lba * SECTOR, (lba + count) * SECTOR);
      return answer.data.equals(there) && there.length === count * SECTOR ? undefined : 'wrong data';
    }
    if (command === 0xec) return answer.data.length === SECTOR ? undefined : 'no identity';
    if (answer.data.length > 0) return 'data that nobody asked for';
    if (command !== 0x30 && command !== 0x34) return undefined;
    if (lba + count > SECTORS) return 'a write past the end was done';
    this.disk.set(request.data.subarray(0, count * SECTOR), lba * SECTOR);
    return undefined;
  }
}

/** Why a frame must not be answered; undefined if it may be. */
function mustBeSilent(bytes: Buffer, served: Served): string | undefined {
  if (bytes.length < 24) return 'it ends within the header';
  if (bytes.readUInt16BE(12) !== ETHERTYPE_AOE) return 'it is another protocol';
  if ((bytes[14] as number) & HeaderFlag.response) return 'it is an answer';
  const [major, minor] = [bytes.readUInt16BE(16), bytes[18] as number];
  if (major !== ADDRESS.shelf && major !== ALL_SHELVES) return 'it is for another shelf';
  if (minor !== ADDRESS.slot && minor !== ALL_SLOTS) return 'it is for another slot';
  const destination = bytes.readUIntBE(0, 6);
  const isGroup = ((bytes[0] as number) & 1) === 1;
  if (destination !== TARGET && destination !== BROADCAST && !isGroup) return 'it goes to another station';
  const source = bytes.readUIntBE(6, 6);
  const { masks } = served.target.state;
  if (masks.length > 0 && !masks.includes(source)) return 'the mask list does not have its source';
  return undefined;
}

/** Whether a frame that is for the target may all the same be left without an answer. */
function mayBeSilent(bytes: Buffer): boolean {
  const source = bytes.readUIntBE(6, 6);
  if (source === TARGET || ((bytes[6] as number) & 1) === 1) return true;
  const frame = parseFrame(bytes);
  // What changes something or costs the disk's time, and names its target by a wildcard.
  if (frame.kind !== 'fault' && !isDirected(frame, TARGET)) return true;
  // Tests of the config string that don't hold.
  return frame.kind === 'config' && (frame.config.ccmd === 1 || frame.config.ccmd === 2);
}

test(`${FRAMES} mutated frames do the native target no harm and are answered right`, async (t) => {
  t.timeout(TIMEOUT);
  t.log(`seed ${SEED}`);
  const dice = new Dice(SEED);
  const disk = Buffer.alloc(SECTORS * SECTOR);
  for (let index = 0; index < disk.length; index++) disk[index] = dice.roll(256);
  const backing = new MemoryBacking(Buffer.from(disk));
  const model = new Model(disk);
  const served = await makeServed({ address: ADDRESS, backing });
  const bench = new Bench();
  const gateway = new LinkGateway(bench);
  gateway.served = [served];
  const seeds = corpus();
  let answered = 0;
  for (let index = 0; index < FRAMES; index++) {
    const bytes = mutate(seeds, dice);
    const silent = mustBeSilent(bytes, served);
    bench.sent = [];
    bench.onFrame?.(Buffer.from(bytes));
    await settled(bench, silent === undefined);
    const told = `frame ${index} of seed ${SEED}: ${bytes.toString('hex')}`;
    if (bench.sent.length > 1) return t.fail(`answered twice, ${told}`);
    const [answer] = bench.sent;
    if (answer === undefined && silent === undefined && !mayBeSilent(bytes))
      return t.fail(`not answered, ${told}`);
    if (answer !== undefined) {
      answered++;
      if (silent !== undefined) return t.fail(`answered although ${silent}, ${told}`);
      const wrong = model.judge(bytes, answer, served);
      if (wrong !== undefined) return t.fail(`${wrong}, ${told}`);
    }
    // A mask list or reservation of others would turn all that follows away.
    if (index % 32 === 0) served.target.state = { ...served.target.state, masks: [], reservation: [] };
  }
  t.log(`${answered} were answered`);
  t.true(answered > FRAMES / 5 && answered < FRAMES);
  t.true(backing.bytes.equals(model.disk), 'the disk holds what the answers say');
  const heap = process.memoryUsage().rss;
  t.log(`resident memory ${Math.round(heap / 2 ** 20)} MiB`);
  t.true(heap < 400 * 2 ** 20);
  await gateway.close();
});

test('a frame of its own, or from a group, is never answered', async (t) => {
  const served = await makeServed({ address: ADDRESS, backing: new MemoryBacking(Buffer.alloc(SECTOR)) });
  const bench = new Bench();
  new LinkGateway(bench).served = [served];
  for (const source of [TARGET, BROADCAST, INITIATOR + 0x01_00_00_00_00_00]) {
    for (const seed of corpus()) {
      const bytes = Buffer.from(seed);
      bytes.writeUIntBE(source, 6, 6);
      bench.onFrame?.(bytes);
      await settled(bench, false);
    }
  }
  t.is(bench.sent.length, 0);
});

/** Waits until what a frame set going is done: a few turns of the microtask queue, or of the event loop. */
async function settled(bench: Bench, mayAnswer: boolean): Promise<void> {
  for (let turn = 0; turn < 40 && mayAnswer && bench.sent.length === 0; turn++) await Promise.resolve();
  if (mayAnswer && bench.sent.length === 0) await new Promise(setImmediate);
}
