/**
 * What is left for an honest initiator while eight stations attack native: `node dist/test/bench/attack.js [MIX…]`, as root.
 * AOE_LAB_NATIVE=FILE takes another build's `native.cjs`; RATE is frames a second and station (20,000), TIME seconds a
 * measurement (5). Native, attackers and initiator share the processors: figures of a busy machine tell little.
 */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { here } from '../../src/host/local.js';
import { programsFolder } from '../../src/paths.js';
import { makeBenchFile } from '../../src/verify/bench/file.js';
import { LoadGenerator } from '../../src/verify/bench/generator.js';
import type { AoeLoad, LoadFigures } from '../../src/verify/bench/load.js';
import { makeWire } from '../link/veth.js';
import type { HostileOptions } from './hostile.js';

const SHELF = 7;
const MEBIBYTE = 1 << 20;
const SECTORS = (128 * MEBIBYTE) / 512;
const STATIONS = 8;
const RATE = Number(process.env.RATE ?? 20_000);
const TIME = Number(process.env.TIME ?? 5) * 1000;
const MIXES = ['verify', 'flush', 'rename', 'query', 'identify', 'read', 'write', 'all'];

const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-attack-'));
const wire = await makeWire(9000);
const generator = new LoadGenerator();
try {
  const files = [join(folder, 'honest.img'), join(folder, 'other.img')];
  for (const file of files) await makeBenchFile(file, SECTORS * 512);
  for (const mix of process.argv.length > 2 ? process.argv.slice(2) : MIXES) {
    process.stdout.write(`${await measure(mix, files)}\n`);
  }
} finally {
  await generator.close();
  await wire.remove();
  await rm(folder, { recursive: true });
}

async function measure(mix: string, files: readonly string[]): Promise<string> {
  const settings = join(folder, 'native.json');
  const exports = files.map((path, index) => ({ shelf: SHELF, slot: index + 1, iface: 'v0', path }));
  await writeFile(settings, JSON.stringify({ exports }));
  const main = process.env.AOE_LAB_NATIVE ?? join(programsFolder, 'native.cjs');
  const argv = ['netns', 'exec', wire.left, process.execPath, main, '-c', settings];
  const env = { ...process.env, UV_THREADPOOL_SIZE: '128' };
  const native = spawn('ip', argv, { stdio: ['ignore', 'ignore', 'pipe'], env });
  try {
    let said = '';
    native.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    while ((said.match(/ sectors$/gm) ?? []).length < exports.length) await once(native.stderr, 'data');
    const text = await here.run(['ip', '-n', wire.left, '-json', 'link', 'show', 'v0']);
    const [{ address }] = JSON.parse(text.stdout) as [{ address: string }];
    const mac = Number.parseInt(address.replaceAll(':', ''), 16);
    const alone = await honest(mac);
    const options = { netns: wire.right, mac, shelf: SHELF, slot: 2, sectors: SECTORS, mix };
    const hostile = fork(
      fileURLToPath(new URL('hostile.js', import.meta.url)),
      [JSON.stringify({ ...options, rate: RATE * STATIONS, stations: STATIONS } satisfies HostileOptions)],
      { execArgv: [] },
    );
    await sleep(1000);
    const attacked = await honest(mac);
    const told = once(hostile, 'message');
    hostile.kill('SIGTERM');
    const [{ rate }] = (await told) as [{ rate: number }];
    const [, peak = '?'] = /VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${native.pid}/status`, 'utf8')) ?? [];
    const share = perSecond(attacked) / perSecond(alone);
    return [
      `${mix}: ${rate} hostile frames/s;`,
      `honest ${perSecond(alone)} requests/s alone, ${perSecond(attacked)} attacked (${share.toFixed(2)}),`,
      `p99 ${(alone.latency.p99 / 1000).toFixed(1)} ms alone, ${(attacked.latency.p99 / 1000).toFixed(1)} ms attacked,`,
      `${attacked.repeated} repeated, ${attacked.wrong + attacked.errors} wrong; memory ${Math.round(Number(peak) / 1024)} MiB`,
    ].join(' ');
  } finally {
    native.kill('SIGKILL');
    await once(native, 'exit');
  }
}

/** One initiator with eight requests of 4 KiB, most of them reads. */
function honest(mac: number): Promise<LoadFigures> {
  const load: AoeLoad = {
    protocol: 'aoe',
    iface: 'v0',
    netns: wire.right,
    mac,
    shelf: SHELF,
    slot: 1,
    size: 4096,
    depth: 8,
    reads: 70,
    sectors: SECTORS,
    seed: 1,
    mark: 1,
    warmUp: 500,
    time: TIME,
  };
  return generator.run(load);
}

function perSecond({ requests, time }: LoadFigures): number {
  return Math.round((requests / time) * 1000);
}
