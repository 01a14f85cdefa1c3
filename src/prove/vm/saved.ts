/**
 * Guests of one kind boot alike up to where they wait to be told what they are. That part, most of a boot where processors
 * are emulated, is done once: what QEMU holds then is kept in the store (`vm/saved/`), and later guests go on from there.
 */
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { digestOf } from '../../base/digest.js';
import { LabError } from '../../base/errors.js';
import { cacheFolder } from '../../base/files/paths.js';
import { pollUntil } from '../../base/poll.js';
import { here } from '../../hosts/host/local.js';
import { quote } from '../../hosts/host/quote.js';
import { keep } from '../../make/store/keep.js';
import { monitor } from './monitor.js';
import { type Device, type MachineFacts, QEMU, qemuArgv, statePath } from './qemu.js';

/** Some 150 MiB each. */
const MOST = 12;

/** Milliseconds: for a boot that another command is just saving, and for QEMU to write one. */
const LOCK_PATIENCE = 180_000;
const WRITE_PATIENCE = 60_000;
const POLL = 10;

/** Not limited: bytes a second (QEMU's default is 128 MiB). */
const BANDWIDTH = 2 ** 40;

/**
 * The folder of a saved boot, which is named by all that it depends on.
 * @param kernel path, as those of the images named by its content
 * @param save boots into a new folder, and saves there. It leaves the folder empty where such a boot can't be gone on from
 * @returns undefined where it can't
 */
export async function savedBoot(
  kernel: string,
  images: readonly string[],
  machine: MachineFacts,
  save: (folder: string) => Promise<void>,
): Promise<string | undefined> {
  const path = join(cacheFolder(), 'vm', 'saved', await keyOf(kernel, images, machine));
  if (!(await isThere(path))) {
    const lock = await here.lock(join(cacheFolder(), 'locks', basename(path)), LOCK_PATIENCE);
    try {
      await keep(path, async (folder) => {
        await mkdir(folder);
        await save(folder);
      });
      await discardOldest();
    } finally {
      await lock.release();
    }
  }
  if (!(await isThere(statePath(path)))) return undefined;
  const now = new Date();
  await utimes(path, now, now).catch(() => {});
  return path;
}

export async function discardSaved(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

async function keyOf(kernel: string, images: readonly string[], machine: MachineFacts): Promise<string> {
  const paths = { monitor: '', settings: '', serialLog: '', pidFile: '' };
  const nothing = { name: '', links: [], disks: [], managementMac: '', ...paths };
  const argv = qemuArgv({ ...machine, ...nothing, start: { kernel, initrd: '', savesTo: '' } });
  const { stdout } = await here.run([QEMU, '--version']);
  return digestOf(JSON.stringify([stdout, argv, images]));
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** A guest that goes on from one has its files open already. */
async function discardOldest(): Promise<void> {
  const folder = join(cacheFolder(), 'vm', 'saved');
  const paths = (await readdir(folder)).map((name) => join(folder, name));
  const used = await Promise.all(
    paths.map(async (path) => ({ path, at: (await stat(path).catch(() => undefined))?.mtimeMs ?? 0 })),
  );
  const old = used.sort((a, b) => b.at - a.at).slice(MOST);
  for (const { path } of old) await discardSaved(path);
}

/**
 * Has QEMU write all but the memory, which lies in a file of its own, and stop.
 * @param socket of its monitor
 */
export async function saveMachine(socket: string, folder: string): Promise<void> {
  await monitor(socket, 'stop');
  await leaveMemoryOut(socket);
  await monitor(socket, 'migrate-set-parameters', { 'max-bandwidth': BANDWIDTH });
  await monitor(socket, 'migrate', { uri: `exec:cat > ${quote(statePath(folder))}` });
  const ended = await pollUntil(
    async () => {
      const { status } = (await monitor(socket, 'query-migrate')) as { status?: string };
      return status === 'completed' || status === 'failed' ? status : undefined;
    },
    { every: POLL, patience: WRITE_PATIENCE },
  );
  if (ended === 'completed') return;
  throw new LabError({
    tried: 'saving a boot',
    happened: ended === undefined ? `QEMU was not done in ${WRITE_PATIENCE / 1000} s` : 'QEMU could not',
  });
}

/** Has QEMU read what was saved. @param socket of its monitor */
export async function readSaved(socket: string, folder: string): Promise<void> {
  await leaveMemoryOut(socket);
  await monitor(socket, 'migrate-incoming', { uri: `exec:cat ${quote(statePath(folder))}` });
}

/** Whether it has read all of it, and stands still. */
export async function isRead(socket: string): Promise<boolean> {
  const { status } = (await monitor(socket, 'query-status')) as { status: string };
  return status === 'paused';
}

/** Plugs devices into a guest that stands still, so that its kernel finds them together, in their order; then it goes on. */
export async function goOn(socket: string, devices: readonly Device[]): Promise<void> {
  for (const device of devices) await monitor(socket, 'device_add', device);
  await monitor(socket, 'cont');
}

async function leaveMemoryOut(socket: string): Promise<void> {
  await monitor(socket, 'migrate-set-capabilities', {
    capabilities: [{ capability: 'x-ignore-shared', state: true }],
  });
}
