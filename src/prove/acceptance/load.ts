import type { AoeClient } from './client.js';
import type { Step } from './record.js';

interface Job {
  name: string;
  rw: 'write' | 'read' | 'randwrite' | 'randread' | 'randrw';
  depth: number;
  block: string;
}

/** Sequential and random, at several depths; those that write are verified by checksums afterwards. */
const JOBS: readonly Job[] = [
  { name: 'sequential write', rw: 'write', depth: 4, block: '64k' },
  { name: 'sequential read', rw: 'read', depth: 4, block: '64k' },
  { name: 'random write', rw: 'randwrite', depth: 1, block: '4k' },
  { name: 'random write', rw: 'randwrite', depth: 16, block: '4k' },
  { name: 'random read', rw: 'randread', depth: 16, block: '4k' },
  { name: 'random read and write', rw: 'randrw', depth: 32, block: '8k' },
];
/** Of each job. */
const SIZE = '8m';

interface FioReport {
  jobs: { error: number; read: Figures; write: Figures }[];
}
interface Figures {
  iops: number;
  io_bytes: number;
  bw_bytes: number;
}

/** Test 2 of the handbook: load, straight on the device. What was on it is overwritten. */
export async function load(client: AoeClient, step: Step): Promise<void> {
  const last = await client.lastKernelLine();
  for (const job of JOBS) {
    await step(`${job.name}, ${job.block}, depth ${job.depth}`, () => run(client, job));
  }
  await step('no errors in the kernel log, the device is up', async () => {
    const complaints = await client.complaints(last);
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
    const device = await client.look();
    if (device?.state !== 'up') throw new Error(`its state is ${device?.state}`);
    return `${device.path} is up`;
  });
}

async function run(client: AoeClient, { rw, depth, block }: Job): Promise<string> {
  const verify = rw.includes('write') || rw === 'randrw';
  const { stdout } = await client.host.run([
    'fio',
    '--name=load',
    `--filename=${client.device}`,
    '--direct=1',
    '--ioengine=libaio',
    `--rw=${rw}`,
    `--bs=${block}`,
    `--iodepth=${depth}`,
    `--size=${SIZE}`,
    ...(verify ? ['--verify=crc32c', '--verify_fatal=1', '--do_verify=1'] : []),
    '--output-format=json',
  ]);
  const report = JSON.parse(stdout.slice(stdout.indexOf('{'))) as FioReport;
  const [result] = report.jobs;
  if (result === undefined || result.error !== 0) throw new Error(`fio ended with error ${result?.error}`);
  // It ends well, having done nothing, where it may not write: on a device that is mounted.
  if (result.read.io_bytes + result.write.io_bytes === 0)
    throw new Error(`fio did nothing: ${stdout.trim()}`);
  const part = ({ iops, bw_bytes }: Figures): string =>
    `${Math.round(iops)} IOPS, ${(bw_bytes / 2 ** 20).toFixed(1)} MiB/s`;
  return [
    ...(result.write.io_bytes > 0 ? [`written ${part(result.write)}, verified`] : []),
    ...(result.read.io_bytes > 0 ? [`read ${part(result.read)}`] : []),
  ].join('; ');
}
