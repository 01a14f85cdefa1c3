/**
 * Builds on this machine: `builds/KEY/` in the cache, each with `artifacts/`, `build.json` and `build.log`, written
 * whole by a rename. Work in progress lies in `tmp/build-KEY.RANDOM/`; whoever holds the lock of a key may remove
 * what a killed process left of it.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOf } from '../../base/digest.js';
import { LabError } from '../../base/errors.js';
import { cacheFolder } from '../../base/files/paths.js';
import type { Host, HostLock } from '../../hosts/host/host.js';
import type { Isolation } from './isolation.js';

/** What `build.json` holds. */
export interface BuildRecord {
  implementation: string;
  release: string;
  /** Release of the kernel that a module was built for. */
  kernel?: string;
  key: string;
  /** sha256 of the source tree. */
  tree: string;
  /** Ids of the patches applied, in order. */
  patches: string[];
  artifacts: { name: string; sha256: string }[];
  /** Milliseconds. */
  duration: number;
  warnings: number;
  /** Builds of earlier versions don't say it. */
  isolation?: Isolation;
}

/** Longest time that a build by another process is waited for; a step may take 10 minutes. */
const PATIENCE = 60 * 60_000;

export function buildFolder(key: string): string {
  return join(cacheFolder(), 'builds', key);
}

/** The build of that name if it is there, and whole: artifacts that do not match their digests are no build. */
export function findBuild(key: string): BuildRecord | undefined {
  const folder = buildFolder(key);
  try {
    const record = JSON.parse(readFileSync(join(folder, 'build.json'), 'utf8')) as BuildRecord;
    const whole = record.artifacts.every(
      ({ name, sha256 }) => digestOf(readFileSync(join(folder, 'artifacts', name))) === sha256,
    );
    return whole && record.key === key ? record : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Takes the lock of a key.
 * @param onWait called once if another process has it
 */
export async function lockBuild(host: Host, key: string, onWait: () => void): Promise<HostLock> {
  const path = lockFile(key);
  try {
    return await host.lock(path, 0);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    onWait();
    return host.lock(path, PATIENCE);
  }
}

/** A new, empty work folder for a key whose lock is held. */
export async function makeWorkFolder(key: string): Promise<string> {
  const folder = join(temporaryFolder(), `build-${key}.${randomBytes(4).toString('hex')}`);
  await mkdir(dirname(folder), { recursive: true });
  // Closed to others: steps may leave in it what runs with root's rights for whoever starts it.
  await mkdir(folder, { mode: 0o700 });
  return folder;
}

/** Puts a finished folder into the store, in place of what has the name; the lock is held. */
export async function publishBuild(finished: string, key: string): Promise<void> {
  const folder = buildFolder(key);
  await mkdir(join(folder, '..'), { recursive: true });
  if (existsSync(folder)) await rename(folder, `${finished}.replaced`);
  await rename(finished, folder);
}

/** Removes work folders that killed processes left behind. */
export async function removeRests(host: Host, heldKey: string): Promise<void> {
  const names = await readdir(temporaryFolder()).catch(() => []);
  const rests = new Map<string, string[]>();
  for (const name of names) {
    const key = /^build-([0-9a-f]{64})\./.exec(name)?.[1];
    if (key !== undefined) rests.set(key, [...(rests.get(key) ?? []), join(temporaryFolder(), name)]);
  }
  for (const [key, folders] of rests) {
    const lock = key === heldKey ? undefined : await host.lock(lockFile(key), 0).catch(() => null);
    // Its builder is alive.
    if (lock === null) continue;
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
    await lock?.release();
  }
}

function temporaryFolder(): string {
  return join(cacheFolder(), 'tmp');
}

function lockFile(key: string): string {
  return join(cacheFolder(), 'locks', `build-${key}`);
}
