import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandError } from '../../hosts/host/command-error.js';
import { keepsInterface } from '../../hosts/host/spare.js';
import { restartTargets } from '../../serve/exports/restart.js';
import { exportStatus } from '../../serve/exports/status.js';
import { DEAD_SECONDS, type LinuxContext, type TestContext } from './context.js';
import { SkipStep, type Step } from './record.js';
import { MOUNT, mounted, requireDigest, secondsOf, unmount, withFile } from './volume.js';

/** Answers of the target after which I/O counts as under way; one that begins in a cut is asked for once and no more. */
export const UNDER_WAY = 50;
/** Milliseconds for that. */
const START = 20_000;
/** Milliseconds until a daemon that ends when its interface goes down has ended. */
const END = 1000;
/** Seconds of an outage that has to pass without an error. */
export const SHORT = 5;
/** Seconds within which I/O must fail when the wire stays cut: 15 were seen with DEAD_SECONDS, whatever they are below it. */
const BOUND = 45;
/** Milliseconds that the client may take to use the target again. */
const RETURN = 90_000;

/** Test 3 of the handbook: the wire cut at the hub, and the target's interface taken down, both during I/O. */
export async function failure(context: LinuxContext, step: Step): Promise<void> {
  const { client } = context;
  await step(`the wire is cut for ${SHORT} s during I/O`, () =>
    outage(context, {
      begin: async () => context.wire.cut(),
      end: async () => context.wire.restore(),
    }),
  );
  const digest = await step('a file system with a file', () => withFile(client));
  await step('the wire is cut and stays cut: I/O fails in bounded time', () => failsInTime(context));
  await step('the wire is back: the file system is repaired and mounted', () => recovered(context));
  await step('what had been written before is there', async () => {
    await requireDigest(client.host, digest);
    await unmount(client);
    return 'equal';
  });
  await step("the target's interface is taken down for 3 s during I/O", () => interfaceDown(context));
  await step('the client uses it again', async () => {
    const seconds = await secondsOf(() => client.discovered(RETURN));
    await client.host.run(directRead(client.device));
    return `after ${seconds.toFixed(1)} s`;
  });
}

/** I/O for some seconds, with an outage in its midst that must not be noticed. */
async function outage(
  context: LinuxContext,
  { begin, end }: { begin(): Promise<void>; end(): Promise<void> },
): Promise<string> {
  const { client } = context;
  const before = context.wire.frames();
  const io = client.host.run(
    [
      'fio',
      '--name=outage',
      `--filename=${client.device}`,
      '--direct=1',
      '--ioengine=libaio',
      '--rw=randrw',
      '--bs=16k',
      '--iodepth=4',
      '--size=16m',
      '--time_based',
      `--runtime=${SHORT + 3}`,
    ],
    { timeout: 120_000 },
  );
  // It is awaited below; an early failure must not be taken for an unheard one.
  io.catch(() => {});
  await underWay(context, before);
  await begin();
  try {
    await sleep(SHORT * 1000);
  } finally {
    await end();
  }
  const { duration } = await io;
  return `no error, ${(duration / 1000).toFixed(1)} s in all`;
}

/** Waits until the target has answered some requests since then. */
async function underWay({ client, wire }: LinuxContext, before: number): Promise<void> {
  await client.until('I/O to begin', START, async () =>
    wire.frames() - before > UNDER_WAY ? true : undefined,
  );
}

async function failsInTime({ client, wire }: LinuxContext): Promise<string> {
  wire.cut();
  const begun = performance.now();
  try {
    await client.host.run(
      [
        'dd',
        'if=/dev/zero',
        `of=${MOUNT}/other`,
        'bs=64k',
        'count=64',
        'oflag=direct',
        'conv=fsync',
        'status=none',
      ],
      { timeout: BOUND * 1000 },
    );
  } catch (error) {
    const seconds = (performance.now() - begun) / 1000;
    const { exitCodeOfCommand, stderr } = error as CommandError;
    if (exitCodeOfCommand === undefined) {
      throw new Error(`it had not failed after ${BOUND} s (aoe_deadsecs=${DEAD_SECONDS})`);
    }
    return `failed after ${seconds.toFixed(1)} s: ${stderr.trim().split('\n').at(-1) ?? ''}`;
  } finally {
    wire.restore();
  }
  throw new Error('it did not fail: what was written can not have arrived');
}

/** As the handbook says (5a): the journal was aborted, and a device that was open while it failed is not asked for. */
async function recovered({ client }: LinuxContext): Promise<string> {
  const { host, device } = client;
  await host.run(['umount', MOUNT], { accept: [1, 32] });
  await client.flush();
  const seconds = await secondsOf(() => client.discovered(RETURN));
  // 1: errors were there and are corrected.
  const { exitCode } = await host.run(['e2fsck', '-f', '-y', device], { accept: [1] });
  await mounted(client);
  return `up after ${seconds.toFixed(1)} s, e2fsck ${exitCode === 0 ? 'found nothing' : 'repaired it'}`;
}

async function interfaceDown(context: LinuxContext): Promise<string> {
  const { client } = context;
  await requireSpare(context);
  const before = context.wire.frames();
  const io = client.host.run(directRead(client.device, 800), { timeout: 120_000 });
  io.catch(() => {});
  await underWay(context, before);
  const hasEnded = await bounceInterface(context);
  const outcome = await io.then(
    () => 'I/O went on without an error',
    (error: CommandError) => `I/O failed: ${error.stderr?.trim().split('\n').at(-1) ?? error.message}`,
  );
  return hasEnded ? `the target ended and was started again; ${outcome}` : outcome;
}

/** Brings the interface up again by itself: nobody may be there any more to do so. */
const BOUNCE = `trap '' HUP INT TERM PIPE
ip link set "$1" down || exit
sleep 3
ip link set "$1" up`;

/** @throws SkipStep where the target's host might be lost with its interface */
export async function requireSpare({ target }: TestContext): Promise<void> {
  const reason = await keepsInterface(target.host, target.iface);
  if (reason !== undefined) throw new SkipStep(reason);
}

/** Takes the target's interface down for 3 s. @returns whether the target ended; it is started again then */
export async function bounceInterface({ target, finding }: TestContext): Promise<boolean> {
  await target.host.inNamespace(target.netns).run(['sh', '-c', BOUNCE, 'sh', target.iface]);
  await sleep(END);
  const report = await exportStatus(target.host);
  if (report.exports.find(({ id }) => id === target.id)?.state !== 'down') return false;
  finding('it ended when its interface went down, and needs something that starts it again');
  await restartTargets(target.host, [target.id]);
  return true;
}

/** @param count of 64 KiB */
export function directRead(device: string, count = 16): string[] {
  return ['dd', `if=${device}`, 'of=/dev/null', 'bs=64k', `count=${count}`, 'iflag=direct', 'status=none'];
}
