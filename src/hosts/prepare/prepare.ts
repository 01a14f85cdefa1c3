/**
 * Carries out what is planned, and takes it back. What is changed is written down on the host (`prepared.json` in its state
 * folder) before it is changed, so that it can be undone from anywhere and after a kill at any point.
 */
import { posix } from 'node:path';
import { z } from 'zod';
import { LabError, linesOf } from '../../base/errors.js';
import { parseJson } from '../../base/json.js';
import { CommandError } from '../host/command-error.js';
import type { Host } from '../host/host.js';
import { COMMANDS, cameIn, isAsked, MANAGERS, type Manager, packagesIn, stillThere } from './managers.js';
import type { Change } from './plan.js';

/** Package managers fetch and unpack for minutes. */
const PATIENCE = 30 * 60_000;
const LOCK_WAIT = 10_000;

const entrySchema = z.strictObject({
  id: z.string(),
  title: z.string(),
  undo: z.array(z.array(z.string())),
  lasts: z.boolean(),
  /** Of the boot it was made in. */
  bootId: z.string(),
  isDone: z.boolean(),
  manager: z.enum(MANAGERS).optional(),
  asked: z.array(z.string()).optional(),
  /** Of packages: those that were there before, until those that came are known. */
  before: z.array(z.string()).optional(),
  came: z.array(z.string()).optional(),
});
const recordSchema = z.strictObject({ version: z.literal(1), entries: z.array(entrySchema) });
type Entry = z.infer<typeof entrySchema>;

const recordPath = async (host: Host): Promise<string> =>
  posix.join(await host.stateFolder(), 'prepared.json');

/** What `prepareHost` changed on a host and nobody has undone. */
export async function preparedChanges(host: Host): Promise<Entry[]> {
  const path = await recordPath(host);
  let text: string;
  try {
    text = (await host.read(path)).toString();
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return [];
    throw error;
  }
  try {
    return recordSchema.parse(parseJson(text)).entries;
  } catch (cause) {
    throw new LabError({
      tried: `reading ${path} on ${host.name}`,
      happened: 'it is not what aoe-lab wrote',
      next: 'look at it; remove it when nothing is to be undone any more',
      cause,
    });
  }
}

async function keep(host: Host, entries: readonly Entry[]): Promise<void> {
  await host.write(await recordPath(host), `${JSON.stringify({ version: 1, entries }, undefined, 1)}\n`);
}

async function locked<T>(host: Host, job: () => Promise<T>): Promise<T> {
  const lock = await host.lock(`${await recordPath(host)}.lock`, LOCK_WAIT);
  try {
    return await job();
  } finally {
    await lock.release();
  }
}

/**
 * Makes changes one after the other.
 * @param onChange told of each as it begins
 * @throws LabError at the first that fails; those before it stay, and are written down
 */
export async function prepareHost(
  host: Host,
  changes: readonly Change[],
  onChange: (change: Change) => void,
): Promise<void> {
  if (changes.length === 0) return;
  await locked(host, async () => {
    const { bootId } = await host.facts();
    let entries = (await preparedChanges(host)).filter((entry) => isStillThere(entry, bootId));
    for (const change of changes) {
      onChange(change);
      const { id, title, commands, undo, lasts, installs } = change;
      const known = entries.find((entry) => entry.id === id && installs === undefined);
      const entry: Entry = known ?? { id, title, undo, lasts, bootId, isDone: false };
      if (installs !== undefined) {
        const { manager, packages } = installs;
        Object.assign(entry, { manager, asked: packages, before: await packagesOf(host, manager) });
      }
      // It is recorded before it is done. What was there before the first attempt is what it is to be again.
      const isVoid = (other: Entry): boolean => other.id === id && other.came?.length === 0;
      entries = [...entries.filter((other) => other !== entry && !isVoid(other)), entry];
      await keep(host, entries);
      try {
        if (installs !== undefined) await install(host, change, installs);
        else for (const argv of commands) await host.run(argv, { timeout: PATIENCE });
      } catch (error) {
        await noteNewPackages(host, entry)
          .then(() => keep(host, entries))
          .catch(() => {});
        throw error;
      }
      entry.isDone = true;
      await noteNewPackages(host, entry);
      await keep(host, entries);
    }
  });
}

/** What does not outlive a reboot is gone with the boot it was made in. */
function isStillThere({ lasts, bootId }: Entry, current: string): boolean {
  return lasts || bootId === current;
}

/** @throws LabError if a package can't be had; then none came in */
async function install(
  host: Host,
  { title, commands }: Change,
  { manager, next }: NonNullable<Change['installs']>,
): Promise<void> {
  const { accept } = COMMANDS[manager];
  const failures: string[] = [];
  for (const argv of commands) {
    try {
      await host.run(argv, { timeout: PATIENCE, accept });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      failures.push(`${error.facts.tried}: ${error.facts.happened}`);
      // One repository of several that can't be refreshed is in the way only if the packages are not in the others.
      if (argv !== commands.at(-1)) continue;
      throw new LabError({
        tried: `${title} on ${host.name}`,
        happened: failures.flatMap(linesOf),
        next,
        cause: error,
      });
    }
  }
}

/** Which packages came in. Found out late, after a kill, others may have installed some too: what was asked for is ours. */
async function noteNewPackages(host: Host, entry: Entry, isLate = false): Promise<void> {
  const { manager, before, asked = [] } = entry;
  if (manager === undefined || before === undefined) return;
  const came = cameIn(manager, before, await packagesOf(host, manager));
  entry.came = isLate ? came.filter((name) => isAsked(manager, name, asked)) : came;
  delete entry.before;
}

async function packagesOf(host: Host, manager: Manager): Promise<string[]> {
  return packagesIn((await host.run(COMMANDS[manager].list)).stdout);
}

export interface Undone {
  title: string;
  /** Why it could not be undone; it stays written down. */
  failure?: string;
}

/**
 * Takes back all that `prepareHost` did, the last first, and what it wrote down.
 * @returns what was undone, and what could not be
 */
export async function undoPreparation(host: Host): Promise<Undone[]> {
  if ((await preparedChanges(host)).length === 0) return [];
  const path = await recordPath(host);
  return locked(host, async () => {
    const { bootId } = await host.facts();
    const undone: Undone[] = [];
    let left = await preparedChanges(host);
    const folder = left.find(({ id }) => id === 'folder');
    for (const entry of left.filter((other) => other !== folder).reverse()) {
      try {
        if (isStillThere(entry, bootId)) await undo(host, entry);
        left = left.filter((other) => other !== entry);
        await keep(host, left);
        undone.push({ title: entry.title });
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        undone.push({ title: entry.title, failure: error.facts.happened });
      }
    }
    if (left.some((entry) => entry !== folder)) return undone;
    for (const file of [path, `${path}.lock`]) await host.remove(file);
    // The folder is no longer ours when others have put something there.
    if (folder !== undefined) {
      for (const argv of folder.undo) await host.run(argv);
      undone.push({ title: folder.title });
    }
    return undone;
  });
}

/** What was only recorded may never have been done: that it can't be undone is no failure. */
async function undo(host: Host, entry: Entry): Promise<void> {
  await noteNewPackages(host, entry, true);
  const { manager, came = [] } = entry;
  const removal: string[][] = [];
  if (manager !== undefined && came.length > 0) {
    const there = stillThere(manager, came, await packagesOf(host, manager));
    if (there.length > 0) removal.push(COMMANDS[manager].remove(there));
  }
  for (const argv of [...entry.undo, ...removal]) {
    await host.run(argv, { timeout: PATIENCE }).catch((error) => {
      if (entry.isDone || removal.length > 0 || !(error instanceof CommandError)) throw error;
    });
  }
}
