import { readFile } from 'node:fs/promises';

/** A JSON file of the store; undefined if it is missing or torn, for all of them can be made again. */
export async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

/** Replaces it atomically. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  const { here } = await import('../../hosts/host/local.js');
  await here.write(path, JSON.stringify(value));
}
