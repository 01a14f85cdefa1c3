/** What a unit keeps its target from is not what a lab would serve. */
import test from 'ava';
import fc from 'fast-check';
import { parseUnit } from '../../../src/manage/import/unit.js';

/** Reasons for which a unit with these settings is left out; empty: it is taken over. */
function reasons(settings: readonly string[], path: string, words = ''): string[] {
  const text = `[Service]\n${settings.join('\n')}\nExecStart=/usr/sbin/vblade ${words} 0 1 eth0 ${path}\n`;
  const { exports, leftOut } = parseUnit([{ file: 'f', text }], true);
  return exports.length === 1 ? [] : leftOut.map(({ reason }) => reason);
}

for (const [settings, path, words, reason] of [
  ['ReadOnlyPaths=/srv', '/srv/a', '', /ReadOnlyPaths=\/srv keeps it from writing/],
  ['ReadOnlyPaths=/srv', '/srv/a', '-r', undefined],
  ['ReadOnlyPaths=/srv', '/srvb/a', '', undefined],
  ['ReadOnlyPaths=-/srv/../srv/a', '/srv//a', '', /keeps it from writing/],
  ['ReadOnlyPaths=%t', '/srv/a', '', /keeps it from writing/],
  ['ReadOnlyPaths=/ ReadWritePaths=/srv', '/srv/a', '', undefined],
  ['ReadOnlyPaths=/srv/a ReadWritePaths=/srv', '/srv/a', '', /keeps it from writing/],
  ['ReadOnlyPaths=/srv ReadOnlyPaths=', '/srv/a', '', undefined],
  ['InaccessiblePaths=/srv', '/srv/a', '-r', /hides/],
  ['ProtectSystem=strict', '/srv/a', '', /ProtectSystem=strict keeps/],
  ['ProtectSystem=strict ReadWritePaths=/srv/a', '/srv/a', '', undefined],
  ['ProtectSystem=strict', '/dev/sdb', '', undefined],
  ['ProtectSystem=full', '/etc/a', '', /ProtectSystem=full keeps/],
  ['ProtectSystem=yes', '/etc/a', '', undefined],
  ['ProtectHome=yes', '/home/a', '-r', /ProtectHome=yes hides/],
  ['ProtectHome=read-only', '/home/a', '', /keeps it from writing/],
  ['PrivateTmp=yes', '/tmp/a', '-r', /another/],
  ['PrivateDevices=yes', '/dev/sdb', '-r', /hides/],
  ['PrivateDevices=yes', '/srv/a', '', undefined],
  ['DevicePolicy=closed', '/dev/sdb', '-r', /DevicePolicy=closed may keep/],
  ['DevicePolicy=closed DeviceAllow=/dev/sdb', '/dev/sdb', '', undefined],
  ['DeviceAllow=/dev/sdb:r', '/dev/sdb', '', /keeps it from writing/],
  ['DeviceAllow=/dev/sdb:r', '/dev/sdb', '-r', undefined],
  ['DeviceAllow=/dev/sdc', '/dev/sdb', '-r', /may keep it from opening/],
  ['User=nobody', '/srv/a', '-r', /User=nobody/],
  ['Group=disk', '/srv/a', '', /Group=disk/],
  ['User=root Nice=5 NoNewPrivileges=yes', '/srv/a', '', undefined],
  ['DynamicUser=yes', '/srv/a', '', /DynamicUser/],
  ['DynamicUser=no', '/srv/a', '', undefined],
  ['CapabilityBoundingSet=CAP_NET_RAW', '/srv/a', '', /CapabilityBoundingSet/],
  ['RestrictAddressFamilies=AF_INET', '/srv/a', '', /RestrictAddressFamilies/],
  ['LimitFSIZE=1', '/srv/a', '', /LimitFSIZE/],
  ['SomethingNew=yes', '/srv/a', '', /SomethingNew=yes may keep/],
] as const) {
  test(`E: a unit with ${settings}: vblade ${words} ${path}`, (t) => {
    // A colon stands for the blank within a value.
    const found = reasons(
      settings.split(' ').map((one) => one.replace(':', ' ')),
      path,
      words,
    );
    if (reason === undefined) t.deepEqual(found, []);
    else t.regex(found.join(), reason);
  });
}

test('E: a drop-in that limits the unit of Debian’s package is told; its exports stand elsewhere', (t) => {
  const unit =
    '[Service]\nEnvironmentFile=/etc/vblade.conf.d/%i.conf\nExecStart=/usr/sbin/vblade $shelf\nUser=root\n';
  const dropIn = { file: 'd', text: '[Service]\nReadOnlyPaths=/srv\nNice=1\n' };
  const { exports, leftOut, remarks } = parseUnit([{ file: 'f', text: unit }, dropIn], true);
  t.deepEqual([...exports, ...leftOut], []);
  t.is(remarks.length, 1);
  t.like(remarks[0], { file: 'd', line: 2 });
  t.regex(remarks[0]?.text ?? '', /ReadOnlyPaths=\/srv limits what/);
});

const PATHS = [
  '/srv/a',
  '/srv/b/c',
  '/home/a',
  '/tmp/a',
  '/etc/a',
  '/usr/a',
  '/dev/sdb',
  '/dev/disk/by-id/x',
];
const setting = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('ReadOnlyPaths', 'InaccessiblePaths'),
      fc.constantFrom('/', '/srv', '-/srv/b', '/home', '/dev', '/etc /usr', '%h'),
    )
    .map((two) => two.join('=')),
  fc.constantFrom(
    ...[
      'ProtectSystem=strict',
      'ProtectSystem=full',
      'ProtectHome=tmpfs',
      'ProtectHome=read-only',
      'PrivateTmp=true',
    ],
    ...[
      'PrivateDevices=yes',
      'DevicePolicy=strict',
      'User=nobody',
      'Group=disk',
      'DynamicUser=1',
      'Nice=1',
      'UMask=0077',
    ],
  ),
);
const keyOf = (one: string): string => one.replace(/=.*/, '');
/** Without what takes back or exempts, where each key stands once: each can only take away. */
const limits = fc.uniqueArray(setting, { selector: keyOf, maxLength: 6 });

test('E: what keeps an export out alone keeps it out beside others, and one that only reads is not worse off', (t) => {
  fc.assert(
    fc.property(limits, fc.constantFrom(...PATHS), (settings, path) => {
      const alone = settings.filter((one) => reasons([one], path).length > 0);
      t.is(reasons(settings, path).length > 0, alone.length > 0, settings.join(' '));
      if (reasons(settings, path, '-r').length > 0) t.true(alone.length > 0);
    }),
    { numRuns: 500 },
  );
});
