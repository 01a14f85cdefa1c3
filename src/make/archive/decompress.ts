import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { MissingError } from '../../base/errors.js';
import type { Budget } from '../store/limits.js';
import type { ArchiveFormat } from './format.js';

interface Program {
  argv: readonly string[];
  debian: string;
}

/** Formats that node 20 does not know itself; the limits on memory keep a crafted header from taking it all. */
const PROGRAMS: Readonly<Partial<Record<ArchiveFormat, Program>>> = {
  xz: { argv: ['xz', '--decompress', '--stdout', '--memlimit-decompress=256MiB'], debian: 'xz-utils' },
  bz2: { argv: ['bzip2', '--decompress', '--stdout'], debian: 'bzip2' },
  zst: { argv: ['zstd', '--decompress', '--stdout', '--quiet', '--memory=256MB'], debian: 'zstd' },
};

/**
 * The tar stream inside a compressed file, bounded by `budget`.
 * @throws MissingError if the program that decompresses it is not installed; Error if the file is damaged
 */
export async function* decompressed(
  path: string,
  format: ArchiveFormat,
  budget: Budget,
): AsyncGenerator<Buffer> {
  const program = PROGRAMS[format];
  const chunks: AsyncIterable<Buffer> =
    format === 'tar' ? createReadStream(path) : program ? throughProgram(path, program) : gunzipped(path);
  for await (const chunk of chunks) {
    budget.take(chunk.length);
    yield chunk;
  }
}

async function* gunzipped(path: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path);
  const gunzip = createGunzip();
  file.once('error', (error) => gunzip.destroy(error));
  try {
    yield* file.pipe(gunzip);
  } finally {
    file.destroy();
    gunzip.destroy();
  }
}

/** Not by Host.run, which gathers a command's whole output: this one is read as it comes, and cut when it is too much. */
async function* throughProgram(path: string, { argv, debian }: Program): AsyncGenerator<Buffer> {
  const command = argv[0] as string;
  const file = await open(path);
  let child: ChildProcess | undefined;
  try {
    child = spawn(command, argv.slice(1), {
      stdio: [file.fd, 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(0, 400);
    });
    const closed = once(child, 'close') as Promise<[number | null]>;
    closed.catch(() => {});
    await once(child, 'spawn');
    yield* child.stdout as unknown as AsyncIterable<Buffer>;
    const [exitCode] = await closed;
    if (exitCode !== 0) throw new Error(`${command} says: ${said.trim() || `exit code ${exitCode}`}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new MissingError({
      tried: `decompressing ${path}`,
      happened: `it needs ${command}, which is not installed`,
      next: `apt-get install ${debian}`,
      missing: [command],
    });
  } finally {
    child?.kill('SIGKILL');
    await file.close();
  }
}
