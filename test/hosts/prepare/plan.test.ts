import test from 'ava';
import { UsageError } from '../../../src/base/errors.js';
import { quoteArgv } from '../../../src/hosts/host/quote.js';
import type { Manager } from '../../../src/hosts/prepare/managers.js';
import { NEEDS } from '../../../src/hosts/prepare/needs.js';
import { type Plan, type PrepareSpec, planPreparation } from '../../../src/hosts/prepare/plan.js';
import { readSurvey, type Survey } from '../../../src/hosts/prepare/survey.js';

const SAN = { name: 'san0', kind: 'ether', mac: '', mtu: 1500, up: false, carrier: false, offloads: {} };

function survey(changes: Partial<Survey> = {}): Survey {
  return {
    ...readSurvey(''),
    kernel: '6.1.0-9-amd64',
    manager: 'apt',
    interfaces: [SAN],
    missing: [],
    tools: [],
    clock: { ahead: 0, uncertainty: 1 },
    ...changes,
  };
}

function plan(changes: Partial<Survey>, spec: Partial<PrepareSpec> = {}, folder?: string): Plan {
  return planPreparation(survey(changes), { purposes: ['run', 'build'], install: true, ...spec }, folder);
}

const lines = ({ changes }: Plan): string[] => changes.flatMap(({ commands }) => commands.map(quoteArgv));

const INSTALLS: Record<Manager, [kernel: string, lines: string[]]> = {
  apt: [
    '6.1.0-9-amd64',
    [
      'apt-get update --quiet',
      'env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends gcc iproute2 libaio-dev',
      'env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends linux-headers-6.1.0-9-amd64',
    ],
  ],
  dnf: [
    '6.6.8-200.fc39.x86_64',
    [
      'dnf makecache --refresh --quiet',
      'dnf install --assumeyes --setopt=install_weak_deps=False gcc iproute libaio-devel',
      'dnf install --assumeyes --setopt=install_weak_deps=False kernel-devel-6.6.8-200.fc39.x86_64',
    ],
  ],
  zypper: [
    '6.4.0-150600.23.7-default',
    [
      'zypper --non-interactive refresh',
      'zypper --non-interactive install --no-recommends gcc iproute2 libaio-devel',
      'zypper --non-interactive install --no-recommends kernel-default-devel=6.4.0-150600.23.7',
    ],
  ],
  pacman: [
    '6.6.8-2-lts',
    [
      'pacman --sync --noconfirm --needed gcc iproute2 libaio',
      'pacman --sync --noconfirm --needed linux-lts-headers',
    ],
  ],
  pkg: ['14.0-RELEASE', ['pkg update', 'pkg install --yes gcc']],
};
const WANTED = ['ip', 'gcc', 'libaio.h', '/lib/modules/KERNEL/build'];
const missing = NEEDS.filter(({ name }) => WANTED.includes(name));

for (const [manager, [kernel, expected]] of Object.entries(INSTALLS)) {
  test(`packages by ${manager}, and its headers for Linux ${kernel}`, (t) => {
    const made = plan({ manager: manager as Manager, kernel, missing });
    t.deepEqual(lines(made), expected);
    t.true(made.changes.every(({ lasts }) => lasts));
    t.is(made.advice.length, manager === 'pkg' ? 1 : 0, String(made.advice));
    const asked = plan({ manager: manager as Manager, kernel, missing }, { install: false });
    t.deepEqual(asked.changes, []);
    t.regex(asked.advice.at(-1) ?? '', /--install has/);
  });
}

test('Arch’s own kernel, and no manager at all', (t) => {
  t.regex(
    lines(plan({ manager: 'pacman', kernel: '6.6.8-arch1-1', missing })).at(-1) ?? '',
    / linux-headers$/,
  );
  const { changes, advice } = plan({ manager: undefined, missing });
  t.deepEqual(changes, []);
  t.regex(advice[0] ?? '', /missing: ip, gcc, libaio\.h.*by hand/);
  t.deepEqual(
    lines(plan({ missing }, { purposes: ['run'] }))
      .at(-1)
      ?.split(' ')
      .at(-1),
    'iproute2',
  );
});

test('an interface: up, its MTU, a VLAN; nothing where all is so already', (t) => {
  t.deepEqual(lines(plan({}, { iface: 'san0', mtu: 9000, vlan: 5 })), [
    'ip link set san0 mtu 9000',
    'ip link set san0 up',
    'ip link add link san0 name san0.5 mtu 9000 type vlan id 5',
    'ip link set san0.5 up',
  ]);
  const vlan = { ...SAN, name: 'aoe', kind: 'vlan', mtu: 9000, up: true, vlan: { on: 'san0', id: 5 } };
  const ready = { ...SAN, mtu: 9000, up: true, carrier: true };
  t.deepEqual(plan({ interfaces: [ready, vlan] }, { iface: 'san0', mtu: 9000, vlan: 5 }), {
    changes: [],
    advice: [],
  });
  // An interface below may be wider than the VLAN on it.
  t.deepEqual(plan({ interfaces: [ready, vlan] }, { iface: 'san0', mtu: 1500, vlan: 5 }).changes, []);
  const { changes } = plan({}, { iface: 'san0', mtu: 9000 });
  t.deepEqual(
    changes.map(({ undo }) => undo.map(quoteArgv).join()),
    ['ip link set san0 mtu 1500', 'ip link set san0 down'],
  );
  const { advice } = plan({ interfaces: [{ ...SAN, up: true }] }, { iface: 'san0' });
  t.regex(advice[0] ?? '', /no carrier/);
});

test('D5: what is set on an interface until the next boot is told', (t) => {
  const { advice } = plan({}, { iface: 'san0', mtu: 9000 });
  t.deepEqual(advice, [
    'set the MTU of san0 from 1500 to 9000, bring san0 up: until the next boot, unless a persistent export is made on it by then; better have what sets up its network keep that',
  ]);
});

test('interfaces that can not be meant', (t) => {
  const refused: [Partial<PrepareSpec>, RegExp][] = [
    [{ iface: 'eth9' }, /none of that name/],
    [{ mtu: 9000 }, /none is named/],
    [{ iface: 'san0', mtu: 100 }, /MTU of 100/],
    [{ iface: 'san0', vlan: 4095 }, /1 to 4094/],
  ];
  for (const [spec, message] of refused) t.throws(() => plan({}, spec), { instanceOf: UsageError, message });
});

test('folder, filters and time', (t) => {
  const obstacle = { tool: 'nft' as const, chain: ['bridge', 'f', 'forward'], why: 'a rule' };
  const clock = { ahead: -10_000, uncertainty: 100 };
  const { changes } = plan({ obstacles: [obstacle], clock, keepsTime: false }, {}, '/var/lib/aoe-lab');
  t.deepEqual(
    changes.map(({ id }) => id),
    ['folder', 'nft bridge f forward', 'time'],
  );
  t.regex(changes[2]?.title ?? '', /10\.0 s behind/);
  for (const keepsTime of [true, undefined]) {
    const told = plan({ clock, keepsTime });
    t.deepEqual(told.changes, []);
    t.regex(told.advice[0] ?? '', /10\.0 s behind/);
  }
  t.deepEqual(plan({ clock: { ahead: 3000, uncertainty: 1500 } }).advice, []);
});

test('a survey is read from what its script prints', (t) => {
  const part = (name: string, text: string): string => `\n@@aoe-lab ${name}\n${text}\n`;
  const found = readSurvey(
    [
      part('uname', 'one\n6.1.0\nx86_64\n0\nboot'),
      part('release', 'PRETTY_NAME="Some Linux 1"\nID=some\nVERSION_ID=\'1\''),
      part('compiler', 'gcc (x) 12.2.0'),
      part('init', 'systemd'),
      part('managers', 'dnf\nrpm'),
      part(
        'links',
        '[{"ifname":"v","mtu":1500,"flags":["UP","LOWER_UP"],"link_type":"ether","address":"02:00:00:00:00:01","link":"e","linkinfo":{"info_kind":"vlan","info_data":{"id":7}}}]',
      ),
      part(
        'offloads',
        '= v\nFeatures for v:\ngeneric-receive-offload: on\nlarge-receive-offload: off [fixed]\n\ttx-checksum-ipv4: on',
      ),
      part(
        'devices',
        '{"blockdevices":[{"name":"/dev/a","type":"disk","size":10,"ro":false,"mountpoints":[null],"fstype":null,"children":[{"name":"/dev/a1","type":"part","size":5,"ro":true,"mountpoints":["/"],"fstype":"ext4"}]}]}',
      ),
      part(
        'space',
        'Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/a1 100 60 40 60% /\n/dev/a1 100 60 40 60% /',
      ),
      part('ntp', 'CanNTP=yes\nNTP=no'),
      part(
        'needs',
        NEEDS.slice(1)
          .map(({ kind, name }) => `${kind}:${name}`)
          .join('\n'),
      ),
      part('nft', ''),
      part('ebtables', '*filter\n:FORWARD DROP'),
      part('end', ''),
    ].join(''),
  );
  t.like(found, {
    hostname: 'one',
    kernel: '6.1.0',
    uid: 0,
    distribution: { id: 'some', version: '1', name: 'Some Linux 1' },
    compiler: 'gcc (x) 12.2.0',
    node: undefined,
    init: 'systemd',
    manager: 'dnf',
    space: [{ path: '/', size: 102_400, free: 40_960 }],
    keepsTime: false,
  });
  t.like(found.interfaces[0], {
    vlan: { on: 'e', id: 7 },
    carrier: true,
    offloads: { 'generic-receive-offload': true, 'large-receive-offload': false, 'tx-checksum-ipv4': true },
  });
  t.deepEqual(
    found.devices.map(({ path, usedBy }) => [path, usedBy]),
    [
      ['/dev/a', ['/dev/a1']],
      ['/dev/a1', ['/', 'ext4']],
    ],
  );
  t.deepEqual(found.missing, NEEDS.slice(0, 1));
  t.is(found.obstacles.length, 1);
});
