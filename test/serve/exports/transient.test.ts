/** What a transient unit keeps its process from, by name: nothing sums it up as systemd-analyze does of files. */
import test from 'ava';
import { type ExportEntry, StateFolder } from '../../../src/serve/exports/entry.js';
import { programOf } from '../../../src/serve/exports/program.js';
import { transientArgv } from '../../../src/serve/exports/transient.js';
import { backingOf, entryOf } from './entries.js';

const state = new StateFolder('/var/lib/aoe-lab');

function propertiesOf(part: Partial<ExportEntry>): string[] {
  const entry = entryOf({ restart: 'on-failure', ...part });
  const argv = transientArgv('aoe-lab-x', programOf(state, [entry], entry.backing.path), 'capabilities');
  return argv.slice(0, argv.indexOf('--')).flatMap((word) => /^--property=(.*)$/s.exec(word)?.[1] ?? []);
}

/** Known to systemd 240, the oldest that is asked: an unknown one is refused with the whole unit. */
const ALWAYS = [
  'AmbientCapabilities=',
  'NoNewPrivileges=yes',
  'LockPersonality=yes',
  'RestrictRealtime=yes',
  'KeyringMode=private',
  'IPAddressDeny=any',
  'SystemCallArchitectures=native',
  'SystemCallErrorNumber=EPERM',
  'UMask=0077',
  'InaccessiblePaths=-/run/systemd/private -/run/dbus',
  'DevicePolicy=closed',
  'ProtectControlGroups=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelTunables=yes',
  'RestrictAddressFamilies=AF_PACKET AF_UNIX AF_NETLINK',
  'MemoryDenyWriteExecute=yes',
  'SystemCallFilter=@system-service',
  'SystemCallFilter=~@privileged @resources',
];
/** Of how it is run, rather than what it may do. */
const RUNS = /^(?:Restart|RestartSec|StartLimitIntervalSec|KillSignal|Standard\w+)=/;

const CASES: [string, Partial<ExportEntry>, string[]][] = [
  [
    'a file',
    { backing: backingOf({ path: '/srv/disk', closed: false }) },
    [
      'CapabilityBoundingSet=CAP_NET_RAW CAP_NET_ADMIN CAP_IPC_LOCK',
      'ProtectSystem=strict',
      'ProtectHome=yes',
      'PrivateTmp=yes',
      'ReadWritePaths=-/srv/disk',
      'PrivateDevices=yes',
      'RestrictNamespaces=yes',
    ],
  ],
  [
    'a file of a user’s, that is only read',
    { backing: backingOf({ path: '/home/eva/50%', closed: false }), options: { readOnly: true } },
    [
      'CapabilityBoundingSet=CAP_NET_RAW CAP_NET_ADMIN CAP_IPC_LOCK',
      'ProtectSystem=strict',
      'ProtectHome=read-only',
      'PrivateTmp=yes',
      'PrivateDevices=yes',
      'RestrictNamespaces=yes',
    ],
  ],
  [
    'a device, in a network namespace that its process enters',
    { netns: 'lab', backing: backingOf({ kind: 'device', path: '/dev/sdb', closed: false }) },
    [
      'CapabilityBoundingSet=CAP_NET_RAW CAP_NET_ADMIN CAP_IPC_LOCK CAP_SYS_ADMIN CAP_SETPCAP',
      'ProtectSystem=strict',
      'ProtectHome=yes',
      'PrivateTmp=yes',
      'DeviceAllow=/dev/sdb rw',
      'SystemCallFilter=capset',
    ],
  ],
];

for (const [what, part, own] of CASES) {
  test(`HOSTILE 11: a transient unit of ${what} is kept from all else`, (t) => {
    const properties = propertiesOf(part).filter((one) => !RUNS.test(one));
    t.deepEqual([...properties].sort(), [...ALWAYS, ...own].sort());
  });
}

test('HOSTILE 11: the path of a transient unit’s file has no specifiers to escape', (t) => {
  const backing = backingOf({ path: '/srv/50%', closed: false });
  t.true(propertiesOf({ backing }).includes('ReadWritePaths=-/srv/50%'));
});
