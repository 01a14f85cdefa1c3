import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { cacheFolder, programsFolder } from '../../src/base/files/paths.js';
import { findCommand } from '../../src/make/compile/requirements.js';
import {
  bootGuest,
  collectDeadGuests,
  findGuest,
  type Guest,
  type GuestOptions,
  listGuests,
  pidOf,
  removeGuest,
} from '../../src/prove/vm/index.js';
import { memoryPath, QEMU, statePath } from '../../src/prove/vm/qemu.js';
import { parseMac } from '../../src/wire/aoe/index.js';
import { connectStream, Hub } from '../../src/wire/link/index.js';
import { serveTargets } from '../../src/wire/native/index.js';
import { LONG, noGuests, testUnless } from './support/machine.js';

const LAB = join(programsFolder, 'aoe-lab.cjs');
const MIB = 2 ** 20;
const reason = await noGuests();
const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-guest-'));
process.env.AOE_LAB_STATE = join(folder, 'state');
test.after.always(() => rm(folder, { recursive: true, force: true }));

/** A native target of this process, a hub, and a guest on it. */
async function lab(mtu: number) {
  const guest = await bootGuest({ links: [{ mtu }], memory: 384 });
  const hub = new Hub();
  const link = await connectStream({ path: guest.record.links[0]?.socket ?? '' }, { mtu });
  hub.join(link, { name: 'guest' });
  const path = join(folder, `disk-${mtu}.img`);
  const file = await open(path, 'w');
  await file.truncate(128 * MIB);
  await file.close();
  const wire = hub.plug(parseMac('02:00:00:00:00:01') as number, { name: 'target', mtu });
  const server = await serveTargets(wire, [{ address: { shelf: 1, slot: 2 }, backing: { path } }]);
  return {
    guest,
    path,
    end: async () => {
      await guest.stop();
      await server.close();
      await hub.close();
      await link.close();
    },
  };
}

/** Waits until the driver has a device and knows its size. */
const UNTIL_THERE = `n=0
until [ "$(cat /sys/block/etherd!e1.2/state 2>/dev/null)" = up ] && [ "$(cat /sys/block/etherd!e1.2/size)" -gt 0 ]; do
  n=$((n + 1)); [ $n -lt 300 ] || exit 1
  [ $((n % 50)) -ne 49 ] || aoe-discover
  sleep 0.1
done`;

async function useTarget({ host }: Guest): Promise<string> {
  const run = async (...argv: string[]): Promise<string> =>
    (await host.run(argv, { timeout: 120_000 })).stdout;
  await run('aoe-discover');
  await run('sh', '-c', UNTIL_THERE);
  await run('mkfs.ext4', '-q', '/dev/etherd/e1.2');
  await run('mount', '/dev/etherd/e1.2', '/mnt');
  await run('sh', '-c', 'dd if=/dev/urandom of=/mnt/file bs=1M count=20 2>/dev/null && sync');
  const written = await run('sha256sum', '/mnt/file');
  await run('umount', '/mnt');
  await run('sh', '-c', 'echo 3 > /proc/sys/vm/drop_caches');
  await run('mount', '/dev/etherd/e1.2', '/mnt');
  const found = await run('sha256sum', '/mnt/file');
  await run('umount', '/mnt');
  if (written !== found) throw new Error(`${written} is not ${found}`);
  return run('aoe-stat');
}

testUnless(
  reason,
  'the aoe driver of Linux 6.1 makes a file system on a native target and finds it again; a kernel that goes wrong is named in the error',
  async (t) => {
    t.timeout(600_000);
    const { guest, path, end } = await lab(9000);
    try {
      t.log(`reached ${Math.round(guest.bootTime)} ms after QEMU was started`);
      await guest.loadModule('aoe', ['aoe_deadsecs=20']);
      t.regex(await useTarget(guest), /e1\.2\s+0\.134GB\s+eth0\s+8704\s+up/);
      // The same file system from the other side: what the driver wrote lies in the target's file.
      const file = await open(path);
      const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 1024 + 56);
      await file.close();
      t.is(buffer.toString('hex'), '53ef', 'the magic number of ext4');
      t.deepEqual(await guest.trouble(), []);
      const bytes = Buffer.alloc(3 * MIB, createHash('sha256').update('seed').digest());
      await guest.host.write('/tmp/a', bytes);
      t.true(bytes.equals(await guest.host.read('/tmp/a')));
      await guest.setCable(0, false);
      t.is((await guest.host.run(['cat', '/sys/class/net/eth0/carrier'])).stdout, '0\n');
      const crash = ['sh', '-c', 'sleep 0.3; echo c > /proc/sysrq-trigger'];
      const error = await t.throwsAsync(guest.host.run(crash));
      t.regex(String(error?.message), /the connection was lost/);
      t.regex(String(error?.message), /its QEMU has ended:\n.*sysrq triggered crash/is);
      t.regex((await guest.trouble()).join('\n'), /Kernel panic/);
    } finally {
      await end();
    }
  },
);

/** Saved boots of guests with this memory (MiB), which no other test has. */
async function savedWith(memory: number): Promise<string[]> {
  const parent = join(cacheFolder(), 'vm', 'saved');
  const folders = (await readdir(parent).catch(() => [])).map((name) => join(parent, name));
  const sizes = await Promise.all(folders.map((one) => stat(memoryPath(one)).catch(() => undefined)));
  return folders.filter((_, index) => sizes[index]?.size === memory * MIB);
}

testUnless(
  reason,
  'guests go on from one saved boot, each with its own devices, random numbers and the hour that it is; a saved boot that is damaged is done with, and the guest boots',
  async (t) => {
    const memory = 272;
    for (const old of await savedWith(memory)) await rm(old, { recursive: true });
    const disks = await Promise.all(
      [3, 1, 2].map(async (mib) => {
        const path = join(folder, `saved-${mib}.img`);
        await writeFile(path, '');
        await truncate(path, mib * MIB);
        return { path };
      }),
    );
    const script = `cat /proc/sys/kernel/random/boot_id; head -c 16 /dev/urandom | od -An -tx1
      cat /sys/class/net/eth0/mtu /sys/block/vd?/size; date +%s`;
    const told = async (options: GuestOptions) => {
      const guest = await bootGuest({ ...options, memory, accelerator: 'tcg' });
      try {
        const { stdout } = await guest.host.run(['sh', '-c', script]);
        const [bootId, random, ...rest] = stdout.trim().split('\n');
        return { bootId, random, seen: rest.slice(0, -1), hour: Number(rest.at(-1)) };
      } finally {
        await guest.stop();
      }
    };
    const begun = Math.floor(Date.now() / 1000);
    const first = await told({ links: [{ mtu: 9000 }], disks });
    const saved = await savedWith(memory);
    t.is(saved.length, 1);
    const second = await told({ links: [{ mtu: 1500 }], disks: disks.slice(0, 1) });
    t.deepEqual(await savedWith(memory), saved, 'taken, not made again');
    t.deepEqual(first.seen, ['9000', '6144', '2048', '4096']);
    t.deepEqual(second.seen, ['1500', '6144']);
    t.not(second.bootId, first.bootId);
    t.not(second.random, first.random);
    for (const { hour } of [first, second])
      t.true(hour >= begun - 1 && hour <= Date.now() / 1000 + 1, `${hour}`);
    await truncate(statePath(saved[0] as string), 1000);
    t.deepEqual((await told({ links: [{ mtu: 1500 }] })).seen, ['1500']);
    t.deepEqual(await savedWith(memory), []);
  },
);

testUnless(reason, 'a command killed at any moment leaves no QEMU after the next command', async (t) => {
  t.timeout(600_000);
  const fixture = fileURLToPath(new URL('./support/fixture-guest.js', import.meta.url));
  // The last one is killed when its guest is up.
  for (const delay of LONG ? [300, 900, 1500, 2500, undefined] : [900, 2500, undefined]) {
    const child = spawn(process.execPath, [fixture, 'killed'], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (delay === undefined) await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    else await sleep(delay);
    const pid = await findGuest('killed').then(pidOf, () => undefined);
    child.kill('SIGKILL');
    await once(child, 'close');
    await collectDeadGuests();
    t.deepEqual(await listGuests(), []);
    if (pid !== undefined) t.false(existsSync(`/proc/${pid}/exe`), `after ${delay} ms`);
    if (delay === undefined) t.not(pid, undefined);
    t.deepEqual(qemus(), []);
  }
});

/** `vm` with words, without waiting: exit code and standard output. */
async function vmCommand(...argv: string[]): Promise<{ code: number | null; stdout: string }> {
  const child = spawn(process.execPath, [LAB, 'vm', ...argv], { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout };
}

testUnless(
  reason,
  'guests are started at the same time, of one name once; those that stay are found by later commands: list, ssh, down',
  async (t) => {
    t.timeout(600_000);
    const stays = ['up', 'stays', '--link', '1500', '--module', 'dummy', '--json'];
    const [first, second, other] = await Promise.all([
      vmCommand(...stays),
      vmCommand(...stays),
      vmCommand('up', 'other', '--json'),
    ]);
    t.is(other.code, 0);
    t.like(JSON.parse(other.stdout), { name: 'other', runs: true });
    t.deepEqual([first.code, second.code].sort(), [0, 2]);
    const [made, refused] = first.code === 0 ? [first, second] : [second, first];
    t.like(JSON.parse(made.stdout), { name: 'stays', runs: true, stays: true, kernel: '6.1' });
    t.regex(
      JSON.parse(refused.stdout).error.happened,
      /is being started by process \d+|there is one of that name/,
    );
    const lab = (...argv: string[]) =>
      spawnSync(process.execPath, [LAB, 'vm', ...argv], { encoding: 'utf8' });
    t.is(lab('up', 'stays').status, 2, 'the name is taken');
    const listed: { name: string; runs: boolean }[] = JSON.parse(lab('list', '--json').stdout);
    t.deepEqual(listed.map(({ name, runs }) => [name, runs]).sort(), [
      ['other', true],
      ['stays', true],
    ]);
    const names = await Promise.all(['stays', 'other'].map((name) => vmCommand('ssh', name, 'hostname')));
    t.deepEqual(
      names.map(({ stdout }) => stdout),
      ['stays\n', 'other\n'],
    );
    t.regex(
      lab('ssh', 'stays', '--', 'sh', '-c', 'lsmod; echo "it\'s"; exit 7').stdout,
      /^dummy .*it's\n$/ms,
    );
    // D9: words are joined and given to the guest's shell, as ssh(1) does.
    t.is(lab('ssh', 'stays', 'exit 7').status, 7);
    t.is(lab('ssh', 'stays', 'a=b; echo "$a"', 'c').stdout, 'b c\n');
    t.deepEqual(JSON.parse(lab('down', 'stays', '--json').stdout), { ended: ['stays'] });
    t.like(JSON.parse(lab('list', '--json').stdout), [{ name: 'other', runs: true }]);
    t.is(lab('ssh', 'stays', 'true').status, 2);
    t.is(lab('down', 'other').status, 0);
    t.deepEqual(JSON.parse(lab('list', '--json').stdout), []);
    t.deepEqual(qemus(), []);
  },
);

testUnless(reason, 'a guest that is just being started is not taken away; killed then, it is', async (t) => {
  t.timeout(600_000);
  // A QEMU that has begun and is not there yet, for as long as the test looks.
  const bin = await mkdtemp(join(folder, 'bin-'));
  const begun = join(bin, 'begun');
  const slow = `#!/bin/sh
case " $* " in *" -pidfile "*) echo $$ > ${begun}.new && mv ${begun}.new ${begun}; exec sleep 600;; esac
exec ${findCommand(QEMU)} "$@"
`;
  await writeFile(join(bin, QEMU), slow, { mode: 0o755 });
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
  const child = spawn(process.execPath, [LAB, 'vm', 'up', 'early'], { stdio: 'ignore', env });
  const closed = once(child, 'close');
  while (!existsSync(begun)) await sleep(20);
  const [record] = await listGuests();
  if (record === undefined || (await pidOf(record)) !== undefined) return t.fail('QEMU was there too early');
  const refused = await t.throwsAsync(removeGuest(record));
  t.regex(String(refused?.message), new RegExp(`process ${child.pid} is just starting it`));
  child.kill('SIGKILL');
  await closed;
  process.kill(Number(await readFile(begun, 'utf8')));
  await removeGuest(record);
  t.deepEqual(await listGuests(), []);
  t.deepEqual(qemus(), []);
});

/** Command lines of those whose guests are this test's. */
function qemus(): string[] {
  const { stdout } = spawnSync('ps', ['-e', '-o', 'args='], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line.includes(`${process.env.AOE_LAB_STATE}/vm/`));
}
