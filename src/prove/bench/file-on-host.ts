/** The backing file of a benchmark on a host over SSH. */
import { join, posix } from 'node:path';
import type { Host, TransferOptions } from '../../hosts/host/host.js';
import { SECTOR } from '../../wire/aoe/index.js';
import { makeRunFolder } from '../testbed/run-folder.js';
import { makeBenchFile } from './file.js';

/** Milliseconds to copy the file on the host's own disk. */
const COPY = 15 * 60_000;
/** Sectors looked at in one go: two programs are started for each. */
const MOST = 64;

/** Small writes, as for the file on this machine. */
const PLACE = 'set -e; dd if="$1" of="$2" bs=16384 2> /dev/null; rm "$1"; sync "$2" 2> /dev/null || sync';

/** The first 8 bytes of each sector, a line each. */
const LOOK = `f=$1; shift
for n; do dd if="$f" bs=${SECTOR} skip="$n" count=1 2> /dev/null | od -An -v -tu1 -N8; done`;

/**
 * Makes the file here and copies it to a folder of the host.
 * @returns its path there
 */
export async function makeBenchFileOn(
  host: Host,
  folder: string,
  bytes: number,
  options: TransferOptions,
): Promise<string> {
  const local = await makeRunFolder('bench');
  const [arrived, path] = [posix.join(folder, 'arrived'), posix.join(folder, 'image')];
  try {
    await makeBenchFile(join(local.path, 'image'), bytes);
    await host.put(join(local.path, 'image'), arrived, options);
  } finally {
    await local.remove();
  }
  await host.run(['sh', '-c', PLACE, 'sh', arrived, path], { timeout: COPY });
  return path;
}

/** As `sectorsWithout`, of some of the sectors. */
export async function sectorsWithoutOn(
  host: Host,
  mark: number,
  path: string,
  sectors: readonly number[],
): Promise<{ looked: number; missing: number[] }> {
  const step = Math.ceil(sectors.length / MOST);
  const some = sectors.filter((_, index) => index % step === 0);
  const { stdout } = await host.run(['sh', '-c', LOOK, 'sh', path, ...some.map(String)]);
  const lines = stdout.split('\n').filter((line) => line.trim() !== '');
  const missing = some.filter((sector, index) => {
    const head = Buffer.from((lines[index] ?? '').trim().split(/\s+/).map(Number));
    return head.length < 8 || head.readUInt32LE(0) !== sector || head.readUInt32LE(4) !== mark;
  });
  return { looked: some.length, missing };
}
