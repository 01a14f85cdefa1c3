/** Frames of all sorts against the protocol module: reading never fails, and what is canonical is written as it was. */
import test from 'ava';
import fc from 'fast-check';
import {
  buildFrame,
  dissect,
  type Frame,
  frameLength,
  MIN_FRAME,
  parseFrame,
} from '../../src/wire/aoe/index.js';
import { anyFrame } from '../wire/aoe/arbitraries.js';
import { FRAMES, SEED, TIMEOUT } from './budget.js';
import { corpus, Dice, mutate } from './mutate.js';

test(`${FRAMES} mutated frames are read or refused, and never end the process`, (t) => {
  t.timeout(TIMEOUT);
  t.log(`seed ${SEED}`);
  const dice = new Dice(SEED);
  const seeds = corpus();
  let read = 0;
  for (let index = 0; index < FRAMES; index++) {
    const bytes = mutate(seeds, dice);
    const before = Buffer.from(bytes);
    const frame = parseFrame(bytes);
    if (index % 16 === 0) dissect(bytes);
    if (!bytes.equals(before)) return t.fail(`reading changed ${before.toString('hex')}`);
    if (frame.kind === 'fault') continue;
    read++;
    const why = rebuilt(frame, bytes);
    if (why) return t.fail(`${why}: ${bytes.toString('hex')}`);
  }
  t.log(`${read} were frames`);
  t.true(read > FRAMES / 4 && read < FRAMES);
});

test(`${FRAMES} generated frames come back as they were built`, (t) => {
  t.timeout(TIMEOUT);
  fc.assert(
    fc.property(anyFrame, (frame) => {
      const bytes = buildFrame(frame);
      const again = parseFrame(bytes);
      return again.kind !== 'fault' && buildFrame(again).equals(bytes);
    }),
    { numRuns: FRAMES, seed: SEED, endOnFailure: FRAMES > 100_000 },
  );
  t.pass();
});

test(`${FRAMES} runs of bytes behind an Ethernet header are read or refused`, (t) => {
  t.timeout(TIMEOUT);
  const head = (corpus()[0] as Buffer).subarray(0, 14);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120, size: 'max' }), (tail) => {
      const bytes = Buffer.concat([head, tail]);
      const frame = parseFrame(bytes);
      return frame.kind === 'fault' || rebuilt(frame, bytes) === undefined;
    }),
    { numRuns: FRAMES, seed: SEED, endOnFailure: FRAMES > 100_000 },
  );
  t.pass();
});

/**
 * Why a frame that was read is not written as it was; undefined if it is. Bytes that the specification reserves, and
 * padding, are written as zeros, so that the second reading is what has to be equal.
 */
function rebuilt(frame: Frame, bytes: Buffer): string | undefined {
  const built = buildFrame(frame);
  if (built.length !== frameLength(frame) || built.length < MIN_FRAME)
    return 'its length is not what was told';
  if (built.length > Math.max(bytes.length, MIN_FRAME)) return 'it grew';
  const again = parseFrame(built);
  if (again.kind !== frame.kind) return `it became ${again.kind}`;
  if (!buildFrame(again as Frame).equals(built)) return 'it is written otherwise the second time';
  if (built.readUInt32BE(20) !== bytes.readUInt32BE(20)) return 'its tag changed';
  return built.compare(bytes, 0, 24, 0, 24) === 0 ? undefined : 'its headers changed';
}
