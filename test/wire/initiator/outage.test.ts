import test from 'ava';
import { NoAnswerError, openTarget, readStream } from '../../../src/wire/initiator/index.js';
import { openPacketLink } from '../../../src/wire/link/index.js';
import { makeWire, whyNoWire } from '../link/veth.js';
import { FakeTarget } from './fake-target.js';
import { pattern } from './lab.js';

/**
 * The wire is cut during I/O. The target is a fake of this process: vblade 25 ends by itself ("write to network: No
 * buffer space available") when the other end of its veth pair goes down while it answers.
 */

const why = await whyNoWire();
const live = why === undefined ? test.serial : test.skip;
const reason = why === undefined ? '' : ` (skipped: ${why})`;

const SECTORS = 16_384;

interface Lab {
  fake: FakeTarget;
  /** Reads the whole device and calls back after each chunk. */
  read(afterChunk: (index: number) => Promise<void>): Promise<Buffer>;
  set(state: 'up' | 'down'): Promise<unknown>;
}

async function withLab(timeout: number, body: (lab: Lab) => Promise<void>): Promise<void> {
  const wire = await makeWire();
  const far = await openPacketLink({ iface: 'v0', netns: wire.right });
  const near = await openPacketLink({ iface: 'v0', netns: wire.left });
  try {
    const fake = new FakeTarget(far, { sectors: SECTORS });
    fake.disk.set(pattern(fake.disk.length));
    const target = await openTarget(near, { shelf: 0, slot: 1 }, { timeout });
    const read = async (afterChunk: (index: number) => Promise<void>): Promise<Buffer> => {
      const chunks: Buffer[] = [];
      for await (const chunk of readStream(target, { from: 0, count: SECTORS })) {
        chunks.push(chunk);
        await afterChunk(chunks.length);
      }
      return Buffer.concat(chunks);
    };
    const set = (state: 'up' | 'down') => wire.run(wire.left, ['ip', 'link', 'set', 'v0', state]);
    await body({ fake, read, set });
  } finally {
    await near.close();
    await far.close();
    await wire.remove();
  }
}

live(`an outage of the wire during I/O passes without an error${reason}`, async (t) => {
  await withLab(15_000, async ({ fake, read, set }) => {
    const data = await read(async (index) => {
      if (index > 3) return;
      await set('down');
      await set('up');
    });
    t.true(data.equals(fake.disk));
  });
});

live(
  `an outage that does not end fails the I/O in bounded time and is named; later all is well${reason}`,
  async (t) => {
    await withLab(500, async ({ fake, read, set }) => {
      const reading = read(async (index) => {
        if (index === 2) await set('down');
      });
      const error = await t.throwsAsync(reading, { instanceOf: NoAnswerError });
      t.regex(
        String(error?.message),
        /e0\.1 did not answer within 0\.5 s, .*\(interface v0 in namespace \S+ is down\)/,
      );
      await set('up');
      t.true((await read(async () => {})).equals(fake.disk));
    });
  },
);
