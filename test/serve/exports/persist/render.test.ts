/** The units and scripts that persistent exports are made of, judged by the programs that will read them. */
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import test from 'ava';
import { loadRecipe, select } from '../../../../src/make/recipe/load.js';
import { type ExportEntry, StateFolder } from '../../../../src/serve/exports/entry.js';
import { type Persistence, renderPersistence } from '../../../../src/serve/exports/persist/render.js';
import type { ManagerKind } from '../../../../src/serve/exports/persist/service-manager.js';
import {
  commandWord,
  deviceUnit,
  mountUnits,
  unitWord,
} from '../../../../src/serve/exports/persist/words.js';
import { temporaryFolder } from '../../../base/temporary.js';
import { backingOf, entryOf } from '../entries.js';

const state = new StateFolder('/var/lib/aoe-lab');

async function entry(
  name: string,
  release: string | undefined,
  part: Partial<ExportEntry>,
): Promise<ExportEntry> {
  const recipe = await loadRecipe(name);
  const { release: found, control } = select(recipe, release);
  const artifacts = ['vblade', 'ggaoed', 'qaoed', 'qdctl', 'kvblade.ko'];
  const entry = { implementation: name, release: found.version, control, artifacts, template: 'x\n' };
  return entryOf({ ...entry, persist: true, ...part });
}

const odd = '/srv/the disk\'s "50% $HOME".img';
const exposed = { exposed: true, links: 'none' } as const;
const loop = backingOf({ made: true, loop: true, ...exposed });

async function everyShape(): Promise<ExportEntry[]> {
  return [
    await entry('vblade', '25', { slot: 1, iface: 'eth0.5', backing: backingOf({ path: odd, ...exposed }) }),
    await entry('vblade', '25', { slot: 2, backing: loop, options: { readOnly: true, directIo: true } }),
    await entry('ggaoed', '1.1', { slot: 3 }),
    await entry('ggaoed', '1.1', { slot: 4, iface: 'a-b', backing: loop }),
    await entry('native', undefined, {
      slot: 5,
      backing: backingOf({ kind: 'device', path: '/dev/sdb' }),
    }),
    await entry('kvblade', undefined, { slot: 6, backing: loop, links: [{ name: 'eth0' }] }),
  ];
}

const rendered = async (manager: ManagerKind): Promise<Persistence> =>
  renderPersistence(state, await everyShape(), { manager, initScripts: true });

test('hostile: whatever starts it at a boot gives vblade the open file, and asks a loop device what it has', async (t) => {
  for (const manager of ['systemd', 'openrc', 'scripts'] as const) {
    const { files } = await rendered(manager);
    const texts = files.map(({ text }) => text);
    t.is(
      texts.filter((text) => / aoe-lab-file .*the disk.* \/proc\/self\/fd\/9/.test(text)).length,
      1,
      manager,
    );
    t.is(texts.filter((text) => text.includes(`attach on -r "$file" /srv/disk`)).length, 1, manager);
  }
});

test('systemd finds no fault with the units', async (t) => {
  const { status: found } = spawnSync('systemd-analyze', ['--version']);
  if (found !== 0) {
    t.pass('needs systemd-analyze');
    return;
  }
  const folder = await temporaryFolder(t);
  const { services, files } = await rendered('systemd');
  const units = files.filter(({ path }) => path.startsWith('/etc/systemd/system/'));
  t.deepEqual(
    // Beside that of a daemon with disks another one, which it starts itself.
    units.map(({ path }) => basename(path)).filter((name) => !name.endsWith('-disks.service')),
    services.map((name) => `${name}.service`),
  );
  // It looks for the programs that they start.
  const program = join(folder, 'program');
  await writeFile(program, '#!/bin/sh\n', { mode: 0o755 });
  const paths = await Promise.all(
    units.map(async ({ path, text }) => {
      const copy = join(folder, basename(path));
      await writeFile(copy, text.replaceAll(/^(Exec\w+=)\S+/gm, `$1${program}`));
      return copy;
    }),
  );
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...paths], {
    encoding: 'utf8',
    env: { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` },
  });
  const said = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('aoe-lab'));
  t.deepEqual(said, []);
  t.is(status, 0, stderr);
});

/** The most that systemd-analyze may find, in tenths; the loader of a module can be kept from little, and a loop's from mounts. */
const EXPOSURE: [unit: RegExp, most: number][] = [
  [/^aoe-lab-loop-/, 30],
  [/^aoe-lab-e0\.6-/, 45],
  [/./, 25],
];

test('systemd finds the units little exposed', async (t) => {
  const { status: found, stdout: version } = spawnSync('systemd-analyze', ['--version'], {
    encoding: 'utf8',
  });
  const release = Number(/^systemd (\d+)/.exec(version ?? '')?.[1]);
  if (found !== 0 || release < 250) {
    t.pass('needs systemd-analyze of systemd 250 or later, which looks at files');
    return;
  }
  const folder = await temporaryFolder(t);
  const { files } = await rendered('systemd');
  const units = files.filter(({ path }) => path.startsWith('/etc/systemd/system/'));
  t.true(units.length > 6);
  for (const { path, text } of units) {
    const copy = join(folder, basename(path));
    await writeFile(copy, text);
    const words = ['security', '--offline=true', '--no-pager', copy];
    const { stdout, stderr } = spawnSync('systemd-analyze', words, { encoding: 'utf8' });
    const exposure = Number(/Overall exposure level for \S+: (\d+\.\d)/.exec(stdout)?.[1]);
    const most = EXPOSURE.find(([unit]) => unit.test(basename(path)))?.[1] as number;
    t.true(
      exposure * 10 <= most,
      `${basename(path)}: ${exposure} ${stderr}\n${stdout.replaceAll(/^✓.*\n/gm, '')}`,
    );
    t.log(`${basename(path)}: ${exposure}`);
  }
});

/** Those whose doing is to be seen from outside: what they mount, load or attach. */
const SEES_OTHERS = /^aoe-lab-(?:loop-|e0\.6-)/;

test('HOSTILE 11: no unit reaches an IP address, none but those that act for the kernel sees processes of others', async (t) => {
  const { files } = await rendered('systemd');
  const units = files.filter(({ path }) => path.endsWith('.service'));
  t.true(units.length > 6);
  for (const { path, text } of units) {
    const name = basename(path);
    t.regex(text, /^IPAddressDeny=any$/m, name);
    t.is(/^ProtectProc=invisible$/m.test(text), !SEES_OTHERS.test(name), name);
    t.regex(text, /^NoNewPrivileges=yes$/m, name);
  }
});

for (const manager of ['systemd', 'openrc', 'scripts'] as const) {
  test(`${manager}: each script can be parsed, and knows its verbs only`, async (t) => {
    const folder = await temporaryFolder(t);
    const { files } = await rendered(manager);
    const scripts = files.filter(({ text }) => text.startsWith('#!'));
    t.true(scripts.length > 3);
    for (const { path, text, mode } of scripts) {
      t.is(mode, 0o755);
      const copy = join(folder, basename(path));
      await mkdir(folder, { recursive: true });
      await writeFile(copy, text, { mode });
      const parsed = spawnSync('sh', ['-n', copy], { encoding: 'utf8' });
      t.is(parsed.status, 0, `${path}: ${parsed.stderr}`);
      if (!path.endsWith('.sh')) continue;
      const called = spawnSync('sh', [copy, 'nonsense'], { encoding: 'utf8' });
      t.is(called.status, 2, path);
      t.regex(called.stderr, /^usage: /);
    }
  });
}

test('each service comes after those it needs, exports of one daemon share one', async (t) => {
  const { services } = await rendered('scripts');
  t.deepEqual(
    services.map((name) => name.replace(/b{12}/, 'BUILD')),
    [
      'aoe-lab-link-eth0',
      'aoe-lab-loop-e0.2-eth0',
      'aoe-lab-loop-e0.4-a-b',
      'aoe-lab-loop-e0.6-eth0',
      'aoe-lab-e0.6-eth0',
      'aoe-lab-e0.1-eth0.5',
      'aoe-lab-e0.2-eth0',
      'aoe-lab-ggaoed-1.1-BUILD-persistent',
      'aoe-lab-native-1-BUILD-persistent',
    ],
  );
});

test('a unit waits for its interface and its loop device, and bears the mark its processes are found by', async (t) => {
  const { files } = await rendered('systemd');
  const unit = files.find(({ path }) => path.endsWith('/aoe-lab-e0.2-eth0.service'))?.text ?? '';
  t.regex(
    unit,
    /^After=.* sys-subsystem-net-devices-eth0\.device aoe-lab-loop-e0\.2-eth0\.service srv\.mount$/m,
  );
  t.regex(unit, /^Wants=.* aoe-lab-loop-e0\.2-eth0\.service srv\.mount/m);
  t.regex(unit, /^Environment=AOE_LAB_RUN=\/var\/lib\/aoe-lab\/exports\/e0\.2@eth0\.json$/m);
  t.regex(
    unit,
    /^ExecStart=\/usr\/bin\/env -i PATH=\S+ LANG=C AOE_LAB_RUN=\S+e0\.2@eth0\.json \S+\/vblade -d -r 0 2 eth0 \/run\/aoe-lab\/e0\.2-eth0$/m,
  );
  t.regex(unit, /^DeviceAllow=block-loop rw$/m);
  t.false(unit.includes('ReadWritePaths'));
  const plain = files.find(({ path }) => path.endsWith('/aoe-lab-e0.1-eth0.5.service'))?.text ?? '';
  t.true(plain.includes('ExecStart=') && plain.includes(commandWord(odd)), plain);
  t.true(plain.includes(`ReadWritePaths=-${unitWord(odd)}`));
});

test('A1: whatever starts vblade at a boot gives it the name that stays with a disk, and never its number', async (t) => {
  const backing = backingOf({ kind: 'device', path: '/dev/sdb', opens: '/dev/disk/by-id/wwn-1' });
  for (const manager of ['systemd', 'openrc', 'scripts'] as const) {
    const { files } = renderPersistence(state, [await entry('vblade', '25', { backing })], { manager });
    const text = files.map((file) => file.text).join('\n');
    t.regex(text, /vblade.* 0 1 eth0 \/dev\/disk\/by-id\/wwn-1\b/, manager);
    t.notRegex(text, /\/dev\/sdb/, manager);
  }
});

test('a unit sees and opens what its exports need, by name, and nothing else of users and disks', async (t) => {
  const unitsOf = async (name: string, ...backings: Partial<ExportEntry['backing']>[]) => {
    const entries = await Promise.all(
      backings.map((backing, slot) => entry(name, undefined, { slot, backing: backingOf(backing) })),
    );
    const { files } = renderPersistence(state, entries, { manager: 'systemd' });
    return files.filter(({ path }) => path.endsWith('.service')).map(({ text }) => text.split('\n'));
  };
  const about = (unit: readonly string[] = []) =>
    unit.filter((text) =>
      /^(DeviceAllow|PrivateDevices|Protect(Home|System)|ReadWritePaths|Capab\w+)=/.test(text),
    );

  const [file] = await unitsOf('vblade', { path: '/srv/disk', closed: false });
  t.deepEqual(about(file), [
    'CapabilityBoundingSet=CAP_NET_RAW',
    'ProtectSystem=strict',
    'ProtectHome=yes',
    'ReadWritePaths=-/srv/disk',
    'PrivateDevices=yes',
  ]);
  const [home] = await unitsOf('vblade', { path: '/home/eva/disk', closed: true });
  t.deepEqual(about(home), [
    'CapabilityBoundingSet=CAP_NET_RAW CAP_DAC_OVERRIDE',
    'ProtectSystem=strict',
    'ProtectHome=read-only',
    'ReadWritePaths=-/home/eva/disk',
    'PrivateDevices=yes',
  ]);
  const [disk, ...none] = await unitsOf('vblade', { kind: 'device', path: '/dev/sdb', closed: false });
  t.deepEqual(about(disk).slice(3), ['DeviceAllow=/dev/sdb rw']);
  t.deepEqual(none, []);

  const daemon = { kind: 'device', path: '/dev/sdb', opens: '/dev/disk/by-id/wwn-1' } as const;
  const [of, late] = await unitsOf('native', daemon, { path: '/srv/disk' });
  t.deepEqual(about(of).slice(1), [
    'ProtectSystem=full',
    'ProtectHome=yes',
    'DeviceAllow=/dev/disk/by-id/wwn-1 rw',
  ]);
  t.true(of?.some((text) => /^Wants=\S+-disks\.service$/.test(text)));
  t.true(late?.some((text) => /^BindsTo=aoe-lab-native-\S+-persistent\.service$/.test(text)));
  t.deepEqual(about(late).slice(0, 1), ['CapabilityBoundingSet=']);
  const [users] = await unitsOf('native', { path: '/srv/disk' }, { path: '/home/eva/disk' });
  t.deepEqual(about(users).slice(1), ['ProtectSystem=full', 'ProtectHome=no']);
  const [spool] = await unitsOf('native', { path: '/var/spool/disk' });
  t.true(spool?.includes('ReadOnlyPaths=-/run/systemd -/run/udev -/var/spool'));
  t.true(spool?.includes('ReadWritePaths=-/var/spool/disk'));
  const [pinned] = await unitsOf('native', { ...daemon, pinned: true });
  t.deepEqual(about(pinned).slice(3), ['DeviceAllow=block-* rw']);
});

test('scripts take rights from what they start, by what their host has', async (t) => {
  const entries = [await entry('vblade', '25', { backing: backingOf({ closed: false }) })];
  const scriptOf = (confinement: 'capabilities' | 'none') =>
    renderPersistence(state, entries, { manager: 'scripts', confinement }).files.find(({ text }) =>
      text.includes('AOE_LAB_RUN='),
    )?.text ?? '';
  t.regex(
    scriptOf('capabilities'),
    /exec \/usr\/bin\/env -i .* setpriv --no-new-privs --bounding-set=-all,\+net_raw .*vblade/s,
  );
  t.notRegex(scriptOf('none'), /setpriv/);
});

test('D5: an interface that was prepared is set up once a boot, before the exports on it, a VLAN after what is below it', async (t) => {
  const links = [
    { name: 'san0', mtu: 9000 },
    { name: 'san0.5', mtu: 9000, vlan: { on: 'san0', id: 5 } },
  ];
  const entries = [
    await entry('vblade', '25', { slot: 1, iface: 'san0.5', links }),
    await entry('kvblade', undefined, { slot: 2, iface: 'san0.5', links }),
  ];
  const { services, files } = renderPersistence(state, entries, { manager: 'systemd' });
  t.deepEqual(services.slice(0, 2), ['aoe-lab-link-san0', 'aoe-lab-link-san0.5']);
  const text = (end: string) => files.find(({ path }) => path.endsWith(end))?.text ?? '';
  t.regex(text('/aoe-lab-link-san0.5.sh'), /ip link add link san0 name san0\.5 type vlan id 5$/m);
  t.regex(text('/aoe-lab-link-san0.5.sh'), /^ {2}ip link set dev san0\.5 mtu 9000 up$/m);
  t.regex(text('/aoe-lab-link-san0.5.service'), /^After=.* aoe-lab-link-san0\.service/m);
  t.regex(text('/aoe-lab-link-san0.service'), /^RestrictAddressFamilies=.*AF_NETLINK/m);
  for (const service of services.slice(2)) {
    t.regex(
      text(`/${service}.service`),
      /^After=.* aoe-lab-link-san0\.service aoe-lab-link-san0\.5\.service/m,
    );
  }
});

test('D3: no unit requires the disk, the loop device or the file system of an export', async (t) => {
  const { files } = await rendered('systemd');
  const units = files.filter(({ path }) => !path.endsWith('-disks.service'));
  const required = units.flatMap(({ text }) => text.match(/^(?:Requires|BindsTo|Requisite)\w*=.*$/gm) ?? []);
  t.deepEqual([...new Set(required)], ['RequiresMountsFor=/var/lib/aoe-lab']);
  const scripts = (await rendered('openrc')).files;
  t.false(scripts.some(({ text }) => /^\s*need /m.test(text)));
});

test('without udev no unit waits for devices that systemd never hears of', async (t) => {
  const { files } = renderPersistence(state, await everyShape(), { manager: 'systemd', udev: false });
  t.false(files.some(({ text }) => text.includes('.device')));
});

test('node makes code as it runs: only its unit lets it', async (t) => {
  const { files } = await rendered('systemd');
  const lets = files.filter(
    ({ path, text }) => path.endsWith('.service') && !text.includes('MemoryDenyWriteExecute'),
  );
  t.deepEqual(
    lets.map(({ path }) => basename(path).replace(/-b+-/, '-')),
    ['aoe-lab-native-1-persistent.service'],
  );
});

test('words of unit files: specifiers, variables, quotes and control characters are escaped', (t) => {
  t.is(unitWord('/srv/a%b'), '/srv/a%%b');
  t.is(unitWord('a "b" \\c'), '"a \\"b\\" \\\\c"');
  t.is(unitWord('a\nb'), '"a\\x0ab"');
  t.is(commandWord('$HOME 5%'), '"$$HOME 5%%"');
  t.is(deviceUnit('/sys/subsystem/net/devices/a-b'), 'sys-subsystem-net-devices-a\\x2db.device');
  t.is(deviceUnit('/dev/sdb'), 'dev-sdb.device');
  t.deepEqual(mountUnits('/srv/a b/c.img'), ['srv.mount', 'srv-a\\x20b.mount']);
  t.deepEqual(mountUnits('/disk.img'), []);
});

test('two state folders of one host do not share names', async (t) => {
  const one = await entry('vblade', '25', {});
  const [usual] = renderPersistence(state, [one], { manager: 'systemd' }).services;
  const [other] = renderPersistence(new StateFolder('/srv/state'), [one], { manager: 'systemd' }).services;
  t.is(usual, 'aoe-lab-e0.1-eth0');
  t.regex(other ?? '', /^aoe-lab-[0-9a-f]{8}-e0\.1-eth0$/);
});
