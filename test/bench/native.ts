/** Native on a virtual wire, for the benchmarks. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { here } from '../../src/hosts/host/local.js';
import { makeBenchFile } from '../../src/prove/bench/file.js';
import type { LoadGenerator } from '../../src/prove/bench/generator.js';
import type { AoeLoad, LoadFigures } from '../../src/prove/bench/load.js';
import type { Mac } from '../../src/wire/aoe/index.js';
import type { makeWire } from '../wire/link/veth.js';

type Wire = Awaited<ReturnType<typeof makeWire>>;

export const SHELF = 7;
const MEBIBYTE = 1 << 20;
export const SECTORS = (128 * MEBIBYTE) / 512;

export interface RunningNative {
  mac: Mac;
  /** Processor time so far, seconds. */
  cpu(): Promise<number>;
  /** Most memory it has held, bytes. */
  peak(): Promise<number>;
  stop(): Promise<void>;
}

/** Serves files of SECTORS sectors, made where missing, as slots 1, 2, … of SHELF. @param main the program */
export async function startNative(
  main: string,
  wire: Wire,
  folder: string,
  slots: number,
): Promise<RunningNative> {
  const files = Array.from({ length: slots }, (_, index) => join(folder, `${index + 1}.img`));
  for (const file of files) if (!existsSync(file)) await makeBenchFile(file, SECTORS * 512);
  const settings = join(folder, 'native.json');
  const exports = files.map((path, index) => ({ shelf: SHELF, slot: index + 1, iface: 'v0', path }));
  await writeFile(settings, JSON.stringify({ exports }));
  const argv = ['netns', 'exec', wire.left, process.execPath, main, '-c', settings];
  const env = { ...process.env, UV_THREADPOOL_SIZE: '128' };
  const native = spawn('ip', argv, { stdio: ['ignore', 'ignore', 'pipe'], env });
  let said = '';
  native.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  while ((said.match(/ sectors$/gm) ?? []).length < exports.length) await once(native.stderr, 'data');
  const text = await here.run(['ip', '-n', wire.left, '-json', 'link', 'show', 'v0']);
  const [{ address }] = JSON.parse(text.stdout) as [{ address: string }];
  return {
    mac: Number.parseInt(address.replaceAll(':', ''), 16),
    cpu: async () => {
      const [, after = ''] = (await readFile(`/proc/${native.pid}/stat`, 'utf8')).split(') ');
      // The 14th and the 15th of all: in user mode, in the kernel; in hundredths of a second.
      const [user, kernel] = after.split(' ').slice(11, 13).map(Number) as [number, number];
      return (user + kernel) / 100;
    },
    peak: async () => {
      const [, kibibytes] = /VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${native.pid}/status`, 'utf8')) ?? [];
      return Number(kibibytes) * 1024;
    },
    stop: async () => {
      native.kill('SIGKILL');
      await once(native, 'exit');
    },
  };
}

/** One initiator at slot 1. @param shape requests of `size` bytes, `depth` under way, `reads` percent reads, for `time` ms */
export function initiate(
  generator: LoadGenerator,
  wire: Wire,
  mac: Mac,
  shape: Pick<AoeLoad, 'size' | 'depth' | 'reads' | 'time'> & { warmUp?: number },
): Promise<LoadFigures> {
  return generator.run({
    protocol: 'aoe',
    iface: 'v0',
    netns: wire.right,
    mac,
    shelf: SHELF,
    slot: 1,
    sectors: SECTORS,
    seed: 1,
    mark: 1,
    warmUp: 500,
    ...shape,
  });
}

export function perSecond({ requests, time }: LoadFigures): number {
  return Math.round((requests / time) * 1000);
}
