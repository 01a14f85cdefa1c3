/** A guest from its record to where its first process waits to be told what it is. */
import type { ChildProcess } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../../base/errors.js';
import { cacheFolder } from '../../base/files/paths.js';
import { here } from '../../hosts/host/local.js';
import { WAITING } from './init.js';
import { BootError, serialLog, startQemu, untilBooted } from './process.js';
import { type DeviceFacts, devices, type MachineFacts, qemuArgv, type Start } from './qemu.js';
import {
  claimGuest,
  type GuestRecord,
  monitorPath,
  pidPath,
  removeGuest,
  serialPath,
  settingsPath,
} from './registry.js';
import { goOn, isRead, readSaved } from './saved.js';

export interface Launch {
  record: GuestRecord;
  machine: MachineFacts;
  /** Path. */
  kernel: string;
  /** Paths. */
  images: readonly string[];
  devices: DeviceFacts;
  /** A folder into which the boot is to be saved: then the guest has no devices. Default: it is not. */
  savesTo?: string | undefined;
  /** The folder of a saved boot. Default: it boots. */
  resumesFrom?: string | undefined;
  /** Milliseconds for each step. */
  patience: number;
  signal?: AbortSignal | undefined;
}

/**
 * Takes a guest's name and starts it. What fails leaves nothing but its console's log, in the store.
 * @param use what is done with it once it waits
 * @throws UsageError if the name is taken · MissingError if there is no QEMU · BootError if the guest doesn't get there
 */
export async function launch<T>(plan: Launch, use: (child: ChildProcess) => Promise<T>): Promise<T> {
  const { record, resumesFrom } = plan;
  await claimGuest(record);
  let child: ChildProcess | undefined;
  const start = async (from: Start): Promise<ChildProcess> => {
    child = await startGuest(plan, from);
    return child;
  };
  try {
    await mkdir(record.sockets, { mode: 0o700 });
    return await use(
      await (resumesFrom === undefined ? booted(plan, start) : resumed(plan, resumesFrom, start)),
    );
  } catch (error) {
    const log = await keepLog(record).catch(() => undefined);
    // It may not have told its process id yet.
    child?.kill('SIGKILL');
    await removeGuest(record).catch(() => {});
    if (!(error instanceof LabError) || log === undefined) throw error;
    throw Object.assign(error, { facts: { ...error.facts, log } });
  }
}

type StartFrom = (from: Start) => Promise<ChildProcess>;

async function booted(plan: Launch, start: StartFrom): Promise<ChildProcess> {
  const { record, kernel, images, savesTo } = plan;
  const initrd = join(record.folder, 'initrd');
  await here.write(initrd, Buffer.concat(await Promise.all(images.map((path) => readFile(path)))), 0o600);
  const child = await start({ kernel, initrd, savesTo });
  await untilSaid(child, plan, WAITING);
  await here.remove(initrd);
  return child;
}

async function resumed(plan: Launch, resumesFrom: string, start: StartFrom): Promise<ChildProcess> {
  const { record, patience, signal } = plan;
  const socket = monitorPath(record);
  const child = await start({ resumesFrom });
  const until = (look: () => Promise<boolean>): Promise<void> =>
    untilBooted(child, record, look, patience, signal);
  await until(async () => (await here.stat(socket)) !== undefined);
  try {
    await readSaved(socket, resumesFrom);
    await until(() => isRead(socket));
    await goOn(socket, devices(plan.devices));
  } catch (cause) {
    if (cause instanceof BootError || !(cause instanceof LabError)) throw cause;
    // Mostly QEMU has ended; then this says why.
    await untilBooted(child, record, async () => false, 0, signal);
  }
  return child;
}

async function startGuest({ record, machine, devices }: Launch, start: Start): Promise<ChildProcess> {
  const { name, folder } = record;
  const argv = qemuArgv({
    ...{ ...machine, ...devices, name, start },
    ...{ monitor: monitorPath(record), settings: settingsPath(record) },
    ...{ serialLog: serialPath(folder), pidFile: pidPath(folder) },
  });
  here.onRun?.(argv);
  return startQemu(argv, folder, record.stays);
}

/** Waits for a line on the guest's console. */
export function untilSaid(
  child: ChildProcess,
  { record, patience, signal }: Launch,
  line: string,
): Promise<void> {
  const look = async (): Promise<boolean> => (await serialLog(record)).includes(line);
  return untilBooted(child, record, look, patience, signal);
}

/** Of a guest that did not come up only its console's log stays, until the next one that does not. */
async function keepLog(record: GuestRecord): Promise<string | undefined> {
  const text = await serialLog(record);
  if (text === '') return undefined;
  const path = join(cacheFolder(), 'vm', 'failed-boot.log');
  await here.write(path, text);
  return path;
}
