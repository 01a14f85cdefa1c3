import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import {
  addressesOf,
  configOf,
  describeForeign,
  isInitiator,
  mayAnswer,
  parseOwners,
  stopCommand,
  wayOut,
} from '../../../src/serve/exports/foreign-target.js';
import { configText } from '../../../src/serve/exports/foreign-targets.js';
import { holdersOf, parsePacketSockets } from '../../../src/serve/exports/packet-sockets.js';
import { temporaryFolder } from '../../base/temporary.js';

const owner = {
  pid: 12,
  cwd: '/srv',
  cgroup: '0::/user.slice/session-1.scope',
  mark: undefined,
  interfaces: [3],
};
const words = (line: string): string[] => line.split(' ');

const VBLADES: [string, [number, number] | undefined][] = [
  ['vblade 0 1 eth0 a.img', [0, 1]],
  ['/usr/sbin/vblade -m 00:11:22:33:44:55 -r 7 3 eth0 /dev/sdb', [7, 3]],
  ['vblade 7 3 eth0 /dev/sdb -r -b 16', [7, 3]],
  ['vblade -dsrb 16 -o 8 -l100 7 3 eth0 /dev/sdb', [7, 3]],
  ['vblade -- 7 3 eth0 -odd', [7, 3]],
  ['/opt/ours/myblade 0x7 3 eth0 a.img', [7, 3]],
  ['python3 target.py', undefined],
  ['vblade 7 3 eth0', undefined],
];
for (const [line, address] of VBLADES) {
  test(`B2: the command line tells the address: ${line}`, (t) => {
    const found = addressesOf({ argv: words(line) });
    t.deepEqual(found, address === undefined ? undefined : [{ shelf: address[0], slot: address[1] }]);
  });
}

test('B2: daemons are known by their configuration, wherever that is named', (t) => {
  const config = (line: string) => configOf({ argv: words(line), cwd: '/srv' });
  t.is(config('ggaoed -c my.conf -d'), '/srv/my.conf');
  t.is(config('/usr/sbin/ggaoed --config=/etc/g.conf'), '/etc/g.conf');
  t.is(config('ggaoed'), '/etc/ggaoed.conf');
  t.is(config('qaoed -f -c/tmp/q.conf'), '/tmp/q.conf');
  t.is(config('/usr/bin/node /x/native/main.js -c /s/native.json'), '/s/native.json');
  t.is(config('vblade 0 1 eth0 a.img'), undefined);
  const ggaoed =
    '[defaults]\nqueue-length = 64\n[a]\npath = /a\nshelf = 0\nslot=1\n[b]\nslot = 4\nshelf = 2 # two\n';
  t.deepEqual(addressesOf({ argv: ['ggaoed'] }, ggaoed), [
    { shelf: 0, slot: 1 },
    { shelf: 2, slot: 4 },
  ]);
  const qaoed =
    'device {\n target = /a;\n acl { read = l; }\n shelf = 0;\n slot = 1;\n}\n# device { shelf = 9; slot = 9; }\n';
  t.deepEqual(addressesOf({ argv: ['qaoed'] }, qaoed), [{ shelf: 0, slot: 1 }]);
  t.is(addressesOf({ argv: ['qaoed'] }, 'default { shelf = 3; }\ndevice { target = /a; }'), undefined);
  const native = ['node', '/x/native/main.js', '-c', 'n.json'];
  t.deepEqual(addressesOf({ argv: native }, '{"exports":[{"shelf":5,"slot":6}]}'), [{ shelf: 5, slot: 6 }]);
  t.is(addressesOf({ argv: native }, '{'), undefined);
  t.is(addressesOf({ argv: ['ggaoed'] }), undefined);
});

test('B2: one whose addresses are not known may answer for any, on its interfaces', (t) => {
  const unknown = { ...owner, argv: ['x'], addresses: undefined };
  t.true(mayAnswer(unknown, { shelf: 0, slot: 1 }, 3));
  t.false(mayAnswer(unknown, { shelf: 0, slot: 1 }, 4));
  t.true(mayAnswer({ ...unknown, interfaces: [0] }, { shelf: 0, slot: 1 }, 4));
  t.is(describeForeign(unknown, { shelf: 0, slot: 1 }, 'eth0'), 'process 12 (x) may answer for e0.1 on eth0');
  const known = { ...unknown, addresses: [{ shelf: 0, slot: 2 }] };
  t.false(mayAnswer(known, { shelf: 0, slot: 1 }, 3));
});

test('B2: how it is stopped for good, by who started it', (t) => {
  const stop = (more: object): string =>
    stopCommand({ ...owner, argv: ['vblade'], ...more }, { shelf: 0, slot: 1 });
  t.is(
    stop({ cgroup: '0::/system.slice/vblade@e0.1.service' }),
    'systemctl disable --now vblade@e0.1.service',
  );
  t.is(
    stop({ cgroup: '1:name=systemd:/system.slice/ggaoed.service\n0::/' }),
    'systemctl disable --now ggaoed.service',
  );
  t.is(stop({ cgroup: '1:name=openrc:/vblade\n0::/' }), 'rc-service vblade stop && rc-update del vblade');
  t.is(stop({ cgroup: '0::/openrc.vblade' }), 'rc-service vblade stop && rc-update del vblade');
  t.is(
    stop({ mark: '/srv/my state/exports/e0.1@eth0.json' }),
    "AOE_LAB_STATE='/srv/my state' aoe-lab unexport e0.1@eth0",
  );
  t.is(stop({ mark: '/s/daemons/native-1' }), 'AOE_LAB_STATE=/s aoe-lab unexport e0.1');
  t.is(stop({}), 'kill 12, and see to it that nothing starts vblade again');
  const native = { ...owner, argv: ['/usr/bin/node', '/x/native.cjs', '-c', 'n.json'] };
  t.is(
    wayOut(native, { shelf: 0, slot: 1 }),
    'kill 12, and see to it that nothing starts /x/native.cjs again',
  );
  t.regex(wayOut({ ...owner, argv: ['vblade'] }, { shelf: 0, slot: 1 }), /again \(aoe-lab import takes over/);
  t.is(stop({ cgroup: '0::/user.slice/user@0.service/app.slice/x.scope' }), stop({}));
});

test('programs that ask are no targets', (t) => {
  for (const line of [
    'aoeping 0 1 eth0',
    '/usr/sbin/aoe-sancheck',
    'tcpdump -i eth0',
    'node /x/aoe-lab.cjs read e0.1',
  ]) {
    t.true(isInitiator({ argv: words(line) }), line);
  }
  for (const line of ['vblade 0 1 eth0 a', 'node /x/native.cjs -c n.json', 'ggaoed']) {
    t.false(isInitiator({ argv: words(line) }), line);
  }
});

test('sockets of other protocols are left out, and a process that has ended is none', (t) => {
  const table = [
    'sk               RefCnt Type Proto  Iface R Rmem   User   Inode',
    '00000000dfa9c57d 3      3    88a2   3     1 0      0      11454 ',
    '00000000d5cb962b 3      3    0003   0     1 0      0      11455 ',
    '00000000d5cb962c 3      3    88a2   0     1 0      0      11456 ',
  ].join('\n');
  t.deepEqual(
    [...parsePacketSockets(table)],
    [
      ['11454', 3],
      ['11456', 0],
    ],
  );
  t.deepEqual(parseOwners(''), []);
  t.deepEqual(parseOwners('12\0\0\0\0\0\0'), []);
  t.deepEqual(parseOwners('12\0/srv\n\0/s/e.json\n\0a\u0001b c\u0001\0a\n\x000::/x\n\0'), [
    { pid: 12, cwd: '/srv', mark: '/s/e.json', argv: ['a', 'b c'], cgroup: '0::/x' },
  ]);
});

test('hostile: what a process says of itself ends where it ends, and one that says nothing has its name', (t) => {
  const cwd = '/tmp/\u0003\u00021\u0002\n/\u0003';
  const text = `12\0${cwd}\n\0\0vblade\u0001\0vblade\n\x000::/x\n\x0013\0/\n\0\0\0sqaoed\n\x000::/\n\0`;
  t.like(parseOwners(text), [
    { pid: 12, cwd },
    { pid: 13, argv: ['sqaoed'] },
  ]);
});

/** A process whose standard input is a file. */
async function reader(t: ExecutionContext, path: string): Promise<number> {
  const file = await open(path, 'w+');
  const child = spawn('sh', ['-c', 'echo here; exec sleep 60'], { stdio: [file.fd, 'pipe', 'ignore'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
  await file.close();
  return child.pid as number;
}

test('hostile: a file that is called like a socket of a process is none', async (t) => {
  const folder = await temporaryFolder(t);
  const holder = await reader(t, join(folder, 'plain'));
  // Node's pipes are sockets.
  const [, inode = ''] = /^socket:\[(\d+)\]$/.exec(await readlink(`/proc/${holder}/fd/1`)) ?? [];
  t.not(inode, '');
  await reader(t, join(folder, `x -> socket:[${inode}]`));
  await mkdir(join(folder, 'lines\n', 'proc', '1', 'fd'), { recursive: true });
  await reader(t, join(folder, 'lines\n', 'proc', '1', 'fd', `0 -> socket:[${inode}]`));
  t.deepEqual([...(await holdersOf(here, new Map([[inode, 3]])))], [[holder, [3]]]);
});

test('hostile: a configuration that is a pipe is not waited for', async (t) => {
  const path = join(await temporaryFolder(t), 'fifo');
  await here.run(['mkfifo', path]);
  t.is(await configText(here, { pid: process.pid, argv: ['ggaoed', '-c', path], cwd: '/' }), undefined);
});

test('hostile: how a stranger is stopped names no unit that he made up, and can be typed', (t) => {
  const stop = (cgroup: string, argv = ['vblade']): string =>
    stopCommand({ ...owner, argv, cgroup }, { shelf: 0, slot: 1 });
  t.is(stop('0::/system.slice/a b;id.service'), "systemctl disable --now 'a b;id.service'");
  t.is(stop('0::/openrc.a;id'), "rc-service 'a;id' stop && rc-update del 'a;id'");
  for (const cgroup of [
    '0::/user.slice/user-1000.slice/user@1000.service/app.slice/sshd.service',
    '0::/user.slice/user-1000.slice/user@1000.service/openrc.sshd',
  ])
    t.regex(stop(cgroup), /^kill 12, /);
  t.is(stop('0::/', ['$(id)']), "kill 12, and see to it that nothing starts '$(id)' again");
});

test('hostile: addresses of a configuration that is made to be slow are read all the same', (t) => {
  const config = `${'\n'.repeat(1 << 19)}[d]\nshelf=1\nslot=2\n`;
  t.deepEqual(addressesOf({ argv: ['ggaoed'] }, config), [{ shelf: 1, slot: 2 }]);
  const device = 'device { shelf = 1; slot = 2; }';
  t.deepEqual(addressesOf({ argv: ['qaoed'] }, `${'acl{\n'.repeat(1 << 17)}\n${device}`), [
    { shelf: 1, slot: 2 },
  ]);
});
