import { closeSync, openSync, writeSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { OnSourceEvent } from '../store/events.js';
import type { Limits } from '../store/limits.js';
import { type ArchivePins, hasDigest } from '../store/pins.js';
import { dropPartial, openPartial, type Partial, startPartial, validatorOf } from './partial.js';
import { type Answer, request } from './request.js';

export interface DownloadOptions {
  pins: ArchivePins;
  limits: Limits;
  signal: AbortSignal;
  onEvent: OnSourceEvent;
  /** Called with the file when it is complete; moves it away or throws. */
  use: (file: string) => Promise<void>;
}

/** A connection that breaks off is taken up again this often, as long as each attempt brings something. */
const RESUMPTIONS = 2;

/**
 * Downloads a file, going on where an earlier attempt was cut off. The caller holds the lock of this URL.
 * @throws Error with the reason; what has come so far stays for the next attempt
 */
export async function download(url: string, options: DownloadOptions): Promise<void> {
  const partial = await openPartial(url);
  let resumed = partial.size > 0;
  for (let left = RESUMPTIONS; ; left--) {
    const before = partial.size;
    try {
      await attempt(url, partial, options);
      break;
    } catch (error) {
      if (left === 0 || partial.size <= before || !isBrokenOff(error) || options.signal.aborted) throw error;
      resumed = true;
    }
  }
  try {
    await options.use(partial.path);
  } catch (error) {
    dropPartial(partial);
    // The first half may be of another version than the second.
    if (!resumed) throw error;
    await attempt(url, partial, options);
    await options.use(partial.path).finally(() => dropPartial(partial));
  }
  dropPartial(partial);
}

class BrokenOff extends Error {}

function isBrokenOff(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? '';
  return (
    error instanceof BrokenOff ||
    ['UND_ERR_SOCKET', 'ECONNRESET', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'].includes(code)
  );
}

async function attempt(url: string, partial: Partial, options: DownloadOptions): Promise<void> {
  const { pins, limits, signal } = options;
  const pinned = hasDigest(pins);
  const resume = partial.size > 0 && (partial.validator !== undefined || pinned);
  const headers: Record<string, string> = {};
  if (resume) {
    headers.range = `bytes=${partial.size}-`;
    if (partial.validator !== undefined) headers['if-range'] = partial.validator;
  }
  const answer = await request(url, { headers, limits, signal, pinned });
  try {
    if (resume && answer.status === 416) {
      dropPartial(partial);
      return await attempt(url, partial, options);
    }
    const total = prepare(url, partial, resume, answer, options);
    await receive(url, partial, answer, total, options);
  } finally {
    answer.body.once('error', () => {}).destroy();
  }
}

/** Looks at status and headers; returns the size of the whole file in bytes, if it is told. */
function prepare(
  url: string,
  partial: Partial,
  resume: boolean,
  { status, headers }: Answer,
  { pins, limits, onEvent }: DownloadOptions,
): number | undefined {
  let total: number | undefined;
  if (resume && status === 206) {
    const [, from, size] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? [];
    if (Number(from) !== partial.size) throw new Error('it sent another range than the one asked for');
    total = size === '*' ? undefined : Number(size);
    onEvent({ kind: 'resumed', location: url, offset: partial.size });
  } else if (status === 200) {
    total = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
    startPartial(partial, url, validatorOf(headers));
  } else {
    throw new Error(
      `it answers ${status}${status === 404 || status === 410 ? ' (there is no such file)' : ''}`,
    );
  }
  if (total !== undefined && pins.size !== undefined && total !== pins.size) {
    throw new Error(`the archive has ${total} bytes, pinned is ${pins.size}`);
  }
  if (total !== undefined && total > limits.archive) {
    throw new Error(`it has ${total} bytes, more than the ${limits.archive} allowed`);
  }
  return total;
}

async function receive(
  url: string,
  partial: Partial,
  { body }: Answer,
  total: number | undefined,
  { pins, limits, onEvent }: DownloadOptions,
): Promise<void> {
  const most = pins.size ?? limits.archive;
  const file = openSync(partial.path, 'a');
  try {
    // Written as it comes: what waits in a stream is lost when its connection breaks off.
    body.on('data', (chunk: Buffer) => {
      if (partial.size + chunk.length > most) {
        body.destroy(new Error(`it sends more than the ${most} bytes allowed`));
        return;
      }
      writeSync(file, chunk);
      partial.size += chunk.length;
      onEvent({
        kind: 'progress',
        location: url,
        done: partial.size,
        ...(total === undefined ? {} : { total }),
      });
    });
    await finished(body);
  } finally {
    body.destroy();
    closeSync(file);
  }
  if (total !== undefined && partial.size < total) {
    throw new BrokenOff(`it broke off after ${partial.size} of ${total} bytes`);
  }
}
