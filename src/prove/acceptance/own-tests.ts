/** The tests with aoe-lab's own initiator as the client, as far as they need no device of the kernel's. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError } from '../../base/errors.js';
import { restartTargets } from '../../serve/exports/restart.js';
import { type Address, formatAddress } from '../../wire/aoe/index.js';
import { discover } from '../../wire/initiator/discover.js';
import { NoAnswerError, openTarget, type Target } from '../../wire/initiator/index.js';
import type { Link } from '../../wire/link/link.js';
import { type Passage, readBack, writeRandom } from '../demo/round-trip.js';
import { DEAD_SECONDS, type TestContext, type Tests } from './context.js';
import { bounceInterface, requireSpare, SHORT, UNDER_WAY } from './failure.js';
import { SkipStep, type Step } from './record.js';
import { secondsOf } from './volume.js';

/** Milliseconds that a target has to be found in. */
const DISCOVERY = 15_000;
/** The same after an outage or a restart. */
const RETURN = 60_000;
const MIB = 2 ** 20;
/** Of what has to outlast a fault. */
const SMALL = 16 * MIB;
const NEEDS_DRIVER = 'needs the Linux aoe driver: --initiator vm';

export interface OwnContext extends TestContext {
  link: Link;
  address: Address;
}

export function ownTests(context: OwnContext): Tests {
  return {
    basic: (step) => basic(context, step),
    load: (step) => driverOnly(step, 'fio, sequential and random, with verification'),
    failure: (step) => failure(context, step),
    restart: (step) => restart(context, step),
  };
}

async function driverOnly(step: Step, name: string): Promise<void> {
  await step(name, async () => {
    throw new SkipStep(NEEDS_DRIVER);
  });
}

async function basic(context: OwnContext, step: Step): Promise<void> {
  const { link, address } = context;
  await step('the client discovers the target', () => discovered(context));
  await step('identify', async () => {
    const { serial, model } = await (await opened(context, DISCOVERY)).identify();
    return `${model}, serial number ${serial}`;
  });
  await driverOnly(step, 'mkfs.ext4');
  await driverOnly(step, 'mount');
  const written = await step(`write ${context.fileMib} MiB`, () => writing(context, context.fileMib * MIB));
  await driverOnly(step, 'unmount, forget the cache, mount again');
  await step('the digest is the same', () => reading(context, written));
  await driverOnly(step, 'unmount and check the file system');
  await step(`nobody else answers to ${formatAddress(address)}`, async () => {
    const found = await discover(link, { shelf: address.shelf, slot: address.slot });
    if (found.length !== 1)
      throw new Error(`${found.length} answered: ${found.map(({ mac }) => mac).join(', ')}`);
    return found[0]?.mac ?? '';
  });
}

async function failure(context: OwnContext, step: Step): Promise<void> {
  const { wire } = context;
  const written = await step('write 16 MiB', () => writing(context, SMALL));
  await step(`the wire is cut for ${SHORT} s during I/O`, async () => {
    const target = await opened(context, DISCOVERY, (SHORT + 10) * 1000);
    return duringReads(context, target, async () => {
      wire.cut();
      await sleep(SHORT * 1000);
      wire.restore();
      return '';
    });
  });
  await step('the wire is cut and stays cut: I/O fails in bounded time', () => failsInTime(context));
  await step('the wire is back: what had been written before is there', () => reading(context, written));
  await step("the target's interface is taken down for 3 s during I/O", async () => {
    await requireSpare(context);
    const target = await opened(context, DISCOVERY, RETURN);
    return duringReads(context, target, async () =>
      (await bounceInterface(context)) ? 'the target ended and was started again; ' : '',
    );
  });
  await step('the client uses it again', () => reading(context, written));
}

async function restart(context: OwnContext, step: Step): Promise<void> {
  const { target } = context;
  const written = await step('write 16 MiB', () => writing(context, SMALL));
  await step('the target is restarted', async () => {
    const seconds = await secondsOf(() => restartTargets(target.host, [target.id]));
    return `${target.id} in ${seconds.toFixed(1)} s`;
  });
  await step('the client uses it again, and the data is the same', () => reading(context, written));
}

async function discovered({ link, address: { shelf, slot }, target }: OwnContext): Promise<string> {
  const deadline = performance.now() + DISCOVERY;
  for (;;) {
    const [found] = await discover(link, { shelf, slot });
    if (found?.sectors === target.sectors) return `${found.mac}, ${found.sectors} sectors`;
    if (found?.sectors)
      throw new Error(`it has ${found.sectors} sectors, and ${target.sectors} are exported`);
    if (performance.now() > deadline)
      throw new Error(found?.fault ?? `no answer within ${DISCOVERY / 1000} s`);
  }
}

/** @param timeout milliseconds that a request may take */
function opened({ link, address }: OwnContext, findTimeout: number, timeout?: number): Promise<Target> {
  return openTarget(link, address, { findTimeout, timeout });
}

async function writing(context: OwnContext, bytes: number): Promise<{ seen: string; value: Passage }> {
  const target = await opened(context, DISCOVERY);
  const value = await writeRandom(target, bytes, () => {});
  const flushed = (await target.flush()) ? 'flushed' : 'it knows no flush';
  return { seen: `${speedOf(value)}, sha256 ${value.sha256}, ${flushed}`, value };
}

async function reading(context: OwnContext, { bytes, sha256 }: Passage): Promise<string> {
  let again: Passage | undefined;
  const seconds = await secondsOf(async () => {
    again = await readBack(await opened(context, RETURN), bytes, () => {});
  });
  if (again?.sha256 !== sha256) throw new Error(`it was ${sha256} and is ${again?.sha256}`);
  return `equal after ${seconds.toFixed(1)} s, ${speedOf(again)}`;
}

function speedOf({ bytes, time }: Passage): string {
  return `${(bytes / MIB / (Math.max(1, time) / 1000)).toFixed(0)} MiB/s`;
}

/** Reads all the time while something happens, and until the target has answered again afterwards. */
async function duringReads(
  context: OwnContext,
  target: Target,
  happens: () => Promise<string>,
): Promise<string> {
  let isOver = false;
  const before = context.wire.frames();
  const reads = (async () => {
    for (let lba = 0; !isOver; lba = (lba + 64) % (SMALL / 512)) await target.read(lba, 64);
    await target.read(0, 64);
  })();
  // It is awaited below; an early failure must not be taken for an unheard one.
  reads.catch(() => {});
  while (context.wire.frames() - before < UNDER_WAY) await Promise.race([sleep(5), reads]);
  const seen = await happens();
  const seconds = await secondsOf(() => {
    isOver = true;
    return reads;
  });
  return `${seen}no error, answered again after ${seconds.toFixed(1)} s`;
}

async function failsInTime(context: OwnContext): Promise<string> {
  const target = await opened(context, DISCOVERY, DEAD_SECONDS * 1000);
  context.wire.cut();
  const begun = performance.now();
  try {
    await target.read(0, 64);
  } catch (error) {
    if (!(error instanceof NoAnswerError)) throw error;
    return `failed after ${((performance.now() - begun) / 1000).toFixed(1)} s: ${error.facts.happened}`;
  } finally {
    context.wire.restore();
  }
  throw new LabError({ tried: 'reading over a wire that is cut', happened: 'it was answered' });
}
