/** Downloads that were cut off, `partial/<digest of the URL>` in the store, with what tells whether they can go on. */
import { rmSync, writeFileSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../base/digest.js';
import { cacheFolder } from '../../base/files/paths.js';
import { readJson } from '../store/json.js';

export interface Partial {
  path: string;
  /** Bytes that are here. */
  size: number;
  /** Strong ETag or Last-Modified of the file they are of (RFC 9110, 13.1.5). */
  validator?: string | undefined;
}

function pathOf(url: string): string {
  return join(cacheFolder(), 'partial', digestOf(url));
}

/** What is here of a URL; 0 bytes if nothing is. */
export async function openPartial(url: string): Promise<Partial> {
  const path = pathOf(url);
  await mkdir(join(path, '..'), { recursive: true });
  const facts = await stat(path).catch(() => undefined);
  const notes = await readJson<{ validator?: string }>(`${path}.json`);
  return { path, size: facts?.size ?? 0, validator: notes?.validator };
}

/**
 * Notes the validator before the first byte is written, and forgets the bytes of another version. Synchronous: the
 * bytes that wait meanwhile would be lost if the connection broke off.
 */
export function startPartial(partial: Partial, url: string, validator: string | undefined): void {
  rmSync(partial.path, { force: true });
  partial.size = 0;
  partial.validator = validator;
  writeFileSync(`${partial.path}.json`, JSON.stringify({ url, validator }));
}

export function dropPartial(partial: Partial): void {
  rmSync(partial.path, { force: true });
  rmSync(`${partial.path}.json`, { force: true });
  partial.size = 0;
}

/** What If-Range can compare: a weak ETag does not say that the bytes are the same. */
export function validatorOf(headers: Readonly<Record<string, string | undefined>>): string | undefined {
  const { etag } = headers;
  return etag !== undefined && !etag.startsWith('W/') ? etag : headers['last-modified'];
}
