import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import ssh2 from 'ssh2';
import { UsageError } from '../../../src/base/errors.js';
import { withAccelerator } from '../../../src/prove/vm/accelerator.js';
import { cpio, file, link } from '../../../src/prove/vm/cpio.js';
import { bootGuest } from '../../../src/prove/vm/guest.js';
import { guestKernel } from '../../../src/prove/vm/kernel.js';
import { makeGuestKeys } from '../../../src/prove/vm/keys.js';
import { dependsOf } from '../../../src/prove/vm/modules.js';
import { BootError } from '../../../src/prove/vm/process.js';
import { type Processors, qemuArgv } from '../../../src/prove/vm/qemu.js';
import { checkName } from '../../../src/prove/vm/registry.js';
import { kernelTrouble } from '../../../src/prove/vm/trouble.js';
import { hasPvhEntry } from '../../../src/prove/vm/vmlinux.js';

const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-vm-parts-'));
process.env.AOE_LAB_CACHE = folder;
test.after.always(() => rm(folder, { recursive: true, force: true }));

const noCpio = spawnSync('cpio', ['--version']).error !== undefined;
(noCpio ? test.skip : test)(
  `cpio unpacks what is written for the kernel${noCpio ? ' (skipped: needs cpio)' : ''}`,
  async (t) => {
    const archive = cpio([
      file('bin/tool', 'one'),
      link('bin/other', 'tool'),
      file("odd 'name'", '', 0o600),
      file('bin/tool', 'three', 0o755),
      { path: 'empty', mode: 0o40700 },
    ]);
    t.is(archive.length % 4, 0);
    const { status, stderr } = spawnSync('cpio', ['-i', '--quiet', '--no-absolute-filenames'], {
      cwd: folder,
      input: archive,
    });
    t.is(status, 0, String(stderr));
    t.is(await readFile(join(folder, 'bin/other'), 'utf8'), 'three');
    t.is((await stat(join(folder, 'bin/tool'))).mode & 0o777, 0o755);
    t.is((await stat(join(folder, 'empty'))).mode & 0o777, 0o700);
    const list = spawnSync('cpio', ['-it', '--quiet'], { input: archive, encoding: 'utf8' }).stdout;
    t.deepEqual(list.trim().split('\n'), ['bin', 'bin/tool', 'bin/other', "odd 'name'", 'empty']);
  },
);

test('what a module depends on', (t) => {
  t.deepEqual(dependsOf(Buffer.from('x\0license=GPL\0depends=crc16,jbd2,crc-itu-t\0name=ext4\0')), [
    'crc16',
    'jbd2',
    'crc_itu_t',
  ]);
  t.deepEqual(dependsOf(Buffer.from('x\0depends=\0name=ext4\0')), []);
  t.deepEqual(dependsOf(Buffer.from('no module at all')), []);
});

test('complaints of a kernel are found with their first lines, registers left out', (t) => {
  const log = `[    1.000000] random: crng init done\r
[    2.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\r
[    2.000001] #PF: supervisor read access in kernel mode\r
[    2.000002] Oops: 0000 [#1] PREEMPT SMP PTI\r
[    2.000003] RIP: 0010:aoenet_rcv+0x10/0x20 [kvblade]\r
[    2.000004] RAX: 0000000000000000 RBX: 0000000000000001 RCX: 0000000000000002\r
[    2.000005] Call Trace:\r
[    2.000006]  __netif_receive_skb_core+0x1/0x2\r
[    2.000007] ---[ end trace 0000000000000000 ]---\r
[    2.000008] Kernel panic - not syncing: Fatal exception\r
`;
  const [oops = '', panic = '', ...others] = kernelTrouble(log);
  t.deepEqual(others, []);
  t.regex(oops, /^BUG: kernel NULL pointer.*\n#PF.*\nOops.*\nRIP: 0010:aoenet_rcv.*\nCall Trace:\n/);
  t.notRegex(oops, /RAX/);
  t.is(panic, 'Kernel panic - not syncing: Fatal exception');
  t.deepEqual(kernelTrouble('[    0.1] aoe: AoE v85 initialised.\nmounting failed\n'), []);
  t.is(kernelTrouble('[ 1.0] WARNING: CPU: 0 PID: 1 at kernel/x.c:1 f+0x1/0x2').length, 1);
});

const FACTS = {
  name: 'a',
  processors: 'tcg-in-turns',
  memory: 256,
  cpus: 2,
  links: [{ socket: '/s,1', mac: '02:00:00:00:00:01', mtu: 9000 }],
  disks: [{ path: '/d,1' }, { path: '/d2', readOnly: true }],
  managementMac: '02:00:00:00:00:02',
  monitor: '/m',
  settings: '/settings',
  serialLog: '/log',
  pidFile: '/pid',
} as const;

test('the command line of QEMU: commas doubled, links and disks in their order', (t) => {
  const argv = qemuArgv({ ...FACTS, start: { kernel: '/k', initrd: '/i' } });
  t.true(argv.includes('stream,id=link0,server=on,addr.type=unix,addr.path=/s,,1'));
  t.true(argv.includes('if=none,id=disk0,format=raw,file=/d,,1,readonly=off'));
  t.true(argv.includes('if=none,id=disk1,format=raw,file=/d2,readonly=on'));
  t.true(argv.includes('tcg,thread=single'));
  t.true(argv.includes('user,id=management,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:0-:22'));
  const plugged = argv.filter((_, index) => argv[index - 1] === '-device').map((one) => JSON.parse(one));
  t.deepEqual(
    plugged.map(({ id }) => id),
    ['random', 'eth0', 'mgmt', 'vd0', 'vd1'],
  );
});

test('a boot that is saved, and what goes on from it, get their devices later and have the same memory file', (t) => {
  const saved = qemuArgv({ ...FACTS, start: { kernel: '/k', initrd: '/i', savesTo: '/saved,1' } });
  const resumed = qemuArgv({ ...FACTS, start: { resumesFrom: '/saved,1' } });
  const ram = 'memory-backend-file,id=ram,size=256M,mem-path=/saved,,1/memory';
  t.true(saved.includes(`${ram},share=on`));
  t.true(resumed.includes(`${ram},share=off`), 'what a guest writes stays its own');
  for (const argv of [saved, resumed]) t.false(argv.includes('-device'));
  t.false(resumed.includes('-kernel'));
});

test.serial('KVM that fails once is not tried again; one that works is remembered as well', async (t) => {
  const device = join(folder, 'kvm');
  const tried: Processors[] = [];
  const boot = (fails: boolean) => async (processors: Processors) => {
    tried.push(processors);
    if (fails && processors === 'kvm') throw new Error('it hangs');
    return processors;
  };
  t.is(await withAccelerator(boot(true), 'auto', device), 'tcg', 'no device');
  t.deepEqual(tried.splice(0), ['tcg']);
  if (spawnSync('qemu-system-x86_64', ['--version']).error !== undefined) return;
  await writeFile(device, '');
  t.is(await withAccelerator(boot(true), 'auto', device), 'tcg');
  t.is(await withAccelerator(boot(false), 'auto', device), 'tcg');
  t.deepEqual(tried.splice(0), ['kvm', 'tcg', 'tcg']);
  await rm(join(folder, 'vm'), { recursive: true });
  const neither = async (): Promise<never> => {
    throw new Error('no kernel');
  };
  await t.throwsAsync(withAccelerator(neither, 'auto', device), { message: 'no kernel' });
  t.is(await withAccelerator(boot(false), 'auto', device), 'kvm', 'no fault of KVM');
  await t.throwsAsync(withAccelerator(boot(true), 'auto', device), { message: 'it hangs' });
  t.is(await withAccelerator(boot(true), 'tcg', device), 'tcg');
});

test('an emulated boot that fails is tried once more with its processors in turns, and no more often', async (t) => {
  const tried: Processors[] = [];
  const boot = (failing: Processors[], error: Error) => async (processors: Processors) => {
    tried.push(processors);
    if (failing.includes(processors)) throw error;
    return processors;
  };
  const oops = new BootError({ tried: 'booting', happened: 'an oops' });
  t.is(await withAccelerator(boot(['tcg'], oops), 'tcg'), 'tcg-in-turns');
  t.deepEqual(tried.splice(0), ['tcg', 'tcg-in-turns']);
  await t.throwsAsync(withAccelerator(boot(['tcg', 'tcg-in-turns'], oops), 'tcg'), { is: oops });
  t.deepEqual(tried.splice(0), ['tcg', 'tcg-in-turns']);
  const missing = new Error('no QEMU');
  await t.throwsAsync(withAccelerator(boot(['tcg'], missing), 'tcg'), { is: missing });
  t.deepEqual(tried, ['tcg']);
});

test('a kernel is entered by its PVH note, where it has one', (t) => {
  const note = (type: number) =>
    Buffer.concat([
      Buffer.from('\x7fELF and so on', 'latin1'),
      Buffer.from(new Uint32Array([4, 4, type]).buffer),
      Buffer.from('Xen\0'),
    ]);
  t.true(hasPvhEntry(note(18)));
  t.false(hasPvhEntry(note(17)));
  t.false(hasPvhEntry(note(18).subarray(1)));
});

test('guests that can not be meant are refused before anything is started', async (t) => {
  await t.throwsAsync(bootGuest({ memory: 20 }), { instanceOf: UsageError });
  await t.throwsAsync(bootGuest({ cpus: 0 }), { instanceOf: UsageError });
  await t.throwsAsync(bootGuest({ name: '../x' }), { instanceOf: UsageError });
});

test('each key can be read: one in 256 could not', async (t) => {
  for (let count = 0; count < 1000; count++) {
    const { client } = await makeGuestKeys();
    t.false(ssh2.utils.parseKey(client.private) instanceof Error, client.private);
  }
});

test('keys are new each time; names and kernels that can not be are refused', async (t) => {
  const [one, two] = [await makeGuestKeys(), await makeGuestKeys()];
  t.is(one.host.public.length, 4 + 11 + 4 + 32);
  t.is(one.host.dropbear.length, 4 + 11 + 4 + 64);
  t.notDeepEqual(one.host.public, two.host.public);
  t.regex(one.client.line, /^ssh-ed25519 \S+/);
  for (const name of ['', 'A', '../x', '-x', "a'b", 'a b'])
    t.throws(() => checkName(name), { instanceOf: UsageError });
  checkName('target1');
  await t.throwsAsync(guestKernel('/no/such/image'), { message: /there is no \/no\/such\/image/ });
  await t.throwsAsync(guestKernel('3.2'), { instanceOf: UsageError });
});
