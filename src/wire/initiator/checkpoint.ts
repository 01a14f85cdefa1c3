import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, rename, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { LabError, UsageError } from '../../base/errors.js';
import { inItsFolder } from '../../base/files/open-trusted.js';
import { readBounded, UnfitFileError } from '../../base/files/read-bounded.js';
import { parseJson } from '../../base/json.js';

/** What a copy is, so that it is gone on with as the same only. */
export interface CopyFacts {
  direction: 'read' | 'write';
  /** "e0.1" */
  address: string;
  model: string;
  serial: string;
  sectors: number;
  /** Of the device, in bytes. */
  offset: number;
  /** Bytes; null if not known beforehand. */
  length: number | null;
  /** Of the file that is written to the device; null for a pipe. */
  input: { size: number; modified: number } | null;
}

/** Bytes of the record. */
const MOST = 64 << 10;

/** How often the place reached is recorded: after so many bytes or milliseconds, whichever comes first. */
const EVERY_BYTES = 64 << 20;
const EVERY_MILLISECONDS = 1000;

/**
 * A small file beside a copy that says how far it has come: what is before is safe. Written atomically, removed when
 * the copy is complete.
 */
export class Checkpoint {
  readonly path: string;
  /** Bytes from the copy's beginning that need not be copied again. */
  done: number;
  readonly #facts: CopyFacts;
  readonly #everyBytes: number;
  #savedAt = performance.now();

  private constructor(path: string, facts: CopyFacts, done: number, everyBytes: number) {
    this.#everyBytes = everyBytes;
    this.path = path;
    this.#facts = facts;
    this.done = done;
  }

  /**
   * Takes up a copy where an earlier run has left it, or begins one.
   * @throws UsageError if the file is of another copy, or none of these · LabError if it can't be read
   */
  static async open(path: string, facts: CopyFacts, everyBytes = EVERY_BYTES): Promise<Checkpoint> {
    const tried = `going on with the copy that ${path} tells of`;
    // Whatever it is, it is nothing of ours to give up.
    const next = 'name another file by --resume';
    const data = await readBounded(path, { most: MOST, flags: constants.O_NOFOLLOW, judge }).catch(
      (cause) => {
        const { code, message } = cause as NodeJS.ErrnoException;
        if (code === 'ENOENT') return undefined;
        if (code === 'ELOOP') throw new UsageError({ tried, happened: 'it is a link', next, cause });
        if (cause instanceof UnfitFileError)
          throw new UsageError({ tried, happened: cause.reason, next, cause });
        throw new LabError({ tried, happened: message, cause });
      },
    );
    if (data === undefined) return new Checkpoint(path, facts, 0, everyBytes);
    const found = parse(data.toString());
    if (found === undefined) throw new UsageError({ tried, happened: 'it is no record of a copy', next });
    const { done, ...before } = found;
    const different = Object.keys(facts).filter(
      (key) => !isDeepStrictEqual(before[key as keyof CopyFacts], facts[key as keyof CopyFacts]),
    );
    if (different.length === 0) return new Checkpoint(path, facts, done, everyBytes);
    const list = different.map((key) => {
      const values = [before[key as keyof CopyFacts], facts[key as keyof CopyFacts]];
      return `${key} was ${values.map((value) => JSON.stringify(value)).join(' and is ')}`;
    });
    throw new UsageError({
      tried,
      happened: `it is of another copy: ${list.join(', ')}`,
      next: [next, `or remove ${path} to copy all anew`],
    });
  }

  /** @throws UsageError where the record would take the name of what is copied to, and be removed with it */
  async requireApart(output: FileHandle): Promise<void> {
    const isSame = await inItsFolder(this.path, async (at) => {
      const there = await lstat(at(basename(this.path))).catch(() => undefined);
      const own = await output.stat();
      return there !== undefined && there.dev === own.dev && there.ino === own.ino;
    });
    if (!isSame) return;
    throw new UsageError({
      tried: `recording in ${this.path} how far the copy has come`,
      happened: 'that is the file it is copied to',
      next: 'name another file by --resume',
    });
  }

  /** @param done bytes from the beginning. @returns whether it is time to record it */
  isDue(done: number): boolean {
    if (done <= this.done) return false;
    return done - this.done >= this.#everyBytes || performance.now() - this.#savedAt >= EVERY_MILLISECONDS;
  }

  /** @param done bytes that are safe now, counted from the beginning */
  async save(done: number): Promise<void> {
    await inItsFolder(this.path, async (at) => {
      const name = basename(this.path);
      // Of a name that nobody foresees: in a folder of others it could be a link by then.
      const partial = at(`${name}.${randomBytes(6).toString('hex')}`);
      const file = await open(partial, 'wx', 0o600);
      try {
        await file.writeFile(`${JSON.stringify({ ...this.#facts, done })}\n`);
        await file.sync();
        await rename(partial, at(name));
      } catch (error) {
        await rm(partial, { force: true });
        throw error;
      } finally {
        await file.close();
      }
    });
    this.done = done;
    this.#savedAt = performance.now();
  }

  async remove(): Promise<void> {
    await inItsFolder(this.path, (at) => rm(at(basename(this.path)), { force: true }));
  }
}

/** Somebody else's would have parts left out of the copy. */
function judge(facts: Stats): string | undefined {
  if (!facts.isFile()) return 'it is no file';
  return facts.uid === process.geteuid?.() ? undefined : `it is user ${facts.uid}'s`;
}

function parse(text: string): (CopyFacts & { done: number }) | undefined {
  try {
    const found = parseJson(text) as CopyFacts & { done: number };
    return Number.isSafeInteger(found.done) && found.done >= 0 ? found : undefined;
  } catch {
    return undefined;
  }
}
