/** Reads and writes that go on while something is done to a target, every answer compared with what was written. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { ForeignDeviceError } from '../../../src/wire/initiator/index.js';
import { openTarget } from '../../../src/wire/initiator/open.js';
import { openPacketLink } from '../../../src/wire/link/packet.js';
import type { TestWire } from './wire.js';

const SECTOR = 512;
/** Sectors of a request. */
const RUN = 8;
const WORKERS = 4;
/** Milliseconds; a busy machine takes its time to bring a target back. */
const TIMEOUT = 90_000;

export interface SteadyIo {
  /** @returns what was done, once all of it is answered @throws the first fault */
  stop(): Promise<{ reads: number; writes: number }>;
  /** Compares the whole device, read over the wire, and the contents of a file, with what was written. */
  check(file: Buffer): Promise<void>;
}

/**
 * Workers that write random data and read it back, each in a part of its own, until they are stopped.
 * @param content what the device holds; kept up to date
 */
export async function steadyIo(
  t: ExecutionContext,
  wire: TestWire,
  slot: number,
  content: Buffer,
): Promise<SteadyIo> {
  const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns });
  t.teardown(() => link.close());
  const open = () => openTarget(link, { shelf: 0, slot }, { timeout: TIMEOUT, findTimeout: TIMEOUT });
  let target = await open();
  /** Another implementation has another serial number: after an outage the initiator leaves it to its user to go on with that. */
  const lasting = async <T>(ask: (from: typeof target) => Promise<T>): Promise<T> => {
    for (;;) {
      const from = target;
      try {
        return await ask(from);
      } catch (error) {
        if (!(error instanceof ForeignDeviceError)) throw error;
        if (from === target) target = await open();
      }
    }
  };
  let going = true;
  const done = { reads: 0, writes: 0 };
  const part = Math.floor(content.length / SECTOR / WORKERS);
  const work = async (worker: number): Promise<void> => {
    while (going) {
      const lba = worker * part + Math.floor(Math.random() * (part - RUN));
      const bytes = content.subarray(lba * SECTOR, (lba + RUN) * SECTOR);
      if (Math.random() < 0.5) {
        const data = randomBytes(bytes.length);
        await lasting((from) => from.write(lba, data));
        data.copy(bytes);
        done.writes++;
      }
      const seen = await lasting((from) => from.read(lba, RUN));
      if (!seen.equals(bytes))
        throw new Error(`sectors ${lba} to ${lba + RUN - 1} are not what was written there`);
      done.reads++;
      // Never without a request, and not all that the processor can do.
      await sleep(2);
    }
  };
  const all = Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));
  all.catch(() => {});
  t.teardown(() => {
    going = false;
  });
  return {
    stop: async () => {
      going = false;
      await all;
      return { ...done };
    },
    check: async (file) => {
      const whole = await lasting((from) => from.read(0, content.length / SECTOR));
      t.true(content.equals(whole), 'the device over the wire');
      t.true(content.equals(file), 'the file');
    },
  };
}

/**
 * Uses an export every second, as long as it is there and the test lasts: what was used counts as in use for 30 s alone,
 * which two commands on a busy machine may take.
 */
export async function keepUsing(
  t: ExecutionContext,
  wire: TestWire,
  slot: number,
  use: (target: Awaited<ReturnType<typeof openTarget>>) => Promise<unknown>,
): Promise<void> {
  const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns });
  const target = await openTarget(link, { shelf: 0, slot }, { timeout: TIMEOUT, findTimeout: TIMEOUT });
  await use(target);
  let going = true;
  t.teardown(async () => {
    going = false;
    await link.close();
  });
  const work = async (): Promise<void> => {
    while (going) {
      await sleep(1000);
      if (going) await use(target);
    }
  };
  work().catch(() => {});
}
