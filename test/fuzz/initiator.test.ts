/** What stations answer to those who look for targets: discovery ends in time, lists no more than it may, and its table obeys no terminal. */
import test from 'ava';
import { escapeText } from '../../src/base/escape.js';
import { paint } from '../../src/face/ui/colors.js';
import { discoveredTable } from '../../src/face/ui/discovered.js';
import { buildFrame, type Frame, parseFrame, responseHeader } from '../../src/wire/aoe/index.js';
import { discover } from '../../src/wire/initiator/index.js';
import { MOST_STATIONS } from '../../src/wire/initiator/who-answers.js';
import { type Link, MemorySegment } from '../../src/wire/link/index.js';
import { INITIATOR_MAC } from '../wire/initiator/lab.js';
import { FRAMES, SEED, TIMEOUT } from './budget.js';
import { corpus, Dice, mutate } from './mutate.js';

const ROUNDS = Math.ceil(FRAMES / 2500);
const ANSWERS = 200;

const config = (request: Frame, major: number, minor: number, string: Buffer): Frame => ({
  ethernet: { destination: request.ethernet.source, source: 0x02_00_00_00_00_10 },
  header: responseHeader(request.header, major, minor),
  kind: 'config',
  config: { bufferCount: 16, firmware: 1, sectorCount: 2, version: 1, ccmd: 0, string },
});

/** Answers each query with many frames that bear its tag. */
function hostile(link: Link, answers: (request: Frame) => Iterable<Buffer>): void {
  link.onFrame = (bytes) => {
    const request = parseFrame(Buffer.from(bytes));
    if (request.kind !== 'config') return;
    for (const answer of answers(request)) link.send(answer);
  };
}

test(`HOSTILE: discovery among ${ROUNDS} times ${ANSWERS} mutated answers ends, and prints nothing that a terminal obeys`, async (t) => {
  t.timeout(TIMEOUT);
  t.log(`seed ${SEED}`);
  const dice = new Dice(SEED);
  let seen = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const segment = new MemorySegment();
    const link = segment.join(INITIATOR_MAC);
    hostile(segment.join(0x02_00_00_00_00_10), function* (request) {
      for (let index = 0; index < ANSWERS / 3; index++) {
        const string = Buffer.from(`\x1b[2J\u202e${'x'.repeat(dice.roll(1000))}`);
        const seeds = [buildFrame(config(request, dice.roll(3), dice.roll(4), string)), ...corpus()];
        const bytes = mutate(seeds, dice);
        if (bytes.length < 24 || bytes.length > 1514) continue;
        // Mostly of the right tag, and to the one who asked.
        if (dice.roll(8) > 0) {
          bytes.writeUIntBE(request.ethernet.source, 0, 6);
          bytes.writeUInt32BE(request.header.tag, 20);
        }
        yield bytes;
      }
    });
    const found = await discover(link, { wait: 20 });
    seen += found.length;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: our own colours
    const text = paint(discoveredTable(found)).replaceAll(/\x1b\[\d+m/g, '');
    if (escapeText(text) !== text) return t.fail(JSON.stringify(text));
  }
  t.true(seen > 0);
});

test('HOSTILE: 10,000 answers are cut short, and that is said', async (t) => {
  const segment = new MemorySegment();
  const link = segment.join(INITIATOR_MAC);
  let isFirst = true;
  hostile(segment.join(0x02_00_00_00_00_10), function* (request) {
    if (!isFirst) return;
    isFirst = false;
    for (let index = 0; index < 10_000; index++) {
      yield buildFrame(config(request, index >> 7, index & 0x7f, Buffer.alloc(0)));
    }
  });
  const found = await discover(link, { wait: 20 });
  t.is(found.length, MOST_STATIONS);
  const lines = discoveredTable(found).split('\n');
  t.true(lines.length < 250, String(lines.length));
  t.true(lines.some((one) => /and 800 more, which --json has/.test(one)));
  t.true(
    lines.some((one) => /Only the first 1000 answers are listed: narrow the question by --shelf/.test(one)),
  );
});
