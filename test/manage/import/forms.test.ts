/** The forms in which exports of vblade and of kernel modules are written down. */
import test, { type ExecutionContext } from 'ava';
import { parseScript } from '../../../src/manage/import/commands.js';
import type { Found, FoundExport } from '../../../src/manage/import/found.js';
import { parseUnit } from '../../../src/manage/import/unit.js';
import { parseVbladeFile } from '../../../src/manage/import/vblade-forms.js';

const HOMES = new Map([['', '/root']]);
const MAC = '02:00:00:00:00:01';

/** An export on e0.1@eth0 of /srv/a, but for what differs. */
function one(more: Partial<FoundExport> = {}): Partial<FoundExport> {
  return { implementation: 'vblade', shelf: 0, slot: 1, iface: 'eth0', path: '/srv/a', options: {}, ...more };
}

interface Case {
  title: string;
  text: string;
  exports?: Partial<FoundExport>[];
  leftOut?: [number | undefined, RegExp][];
  remarks?: [number | undefined, RegExp][];
}

function check(t: ExecutionContext, found: Found, { exports = [], leftOut = [], remarks = [] }: Case): void {
  const told = JSON.stringify(found, null, 1);
  t.is(found.exports.length, exports.length, told);
  for (const [index, expected] of exports.entries()) t.like(found.exports[index], expected);
  t.deepEqual(
    found.leftOut.map(({ place }) => place.line),
    leftOut.map(([line]) => line),
    told,
  );
  for (const [index, [, words]] of leftOut.entries()) t.regex(found.leftOut[index]?.reason ?? '', words);
  t.deepEqual(
    found.remarks.map(({ line }) => line),
    remarks.map(([line]) => line),
    told,
  );
  for (const [index, [, words]] of remarks.entries()) t.regex(found.remarks[index]?.text ?? '', words);
}

const FILES: Case[] = [
  {
    title: 'Gentoo’s conf.d',
    text: `# config_foo="9 9 eth0 /srv/no"\nconfig_vblade0="0 1 eth0 /srv/a"\nconfig_b="-r -m ${MAC} 0 2 eth0 /srv/b"\nconfig_c="0 3 eth0 $DISK"\nconfig_d="-o 8 0 4 eth0 /srv/d"\nconfig_e="0 5 eth0"\n`,
    exports: [
      one({ persist: true }),
      one({ slot: 2, path: '/srv/b', options: { readOnly: true, macs: [MAC] } }),
    ],
    leftOut: [
      [4, /\$DISK is not set/],
      [5, /does not know -o/],
      [6, /would get 3 words/],
    ],
  },
  {
    title: 'conf.d with variables that its service may take for options',
    text: `rc_need="net.eth0"\nDISK=/srv/a\nVBLADE_OPTS="-m ${MAC}"\nconfig_a="0 1 eth0 $DISK"\n`,
    leftOut: [[3, /VBLADE_OPTS may change what its service starts/]],
  },
  {
    title: 'conf.d that has it run by somebody else',
    text: `command_user=nobody\nconfig_a="0 1 eth0 /srv/a"\n`,
    leftOut: [[1, /command_user may change/]],
  },
  {
    title: 'conf.d with what is nothing to its service',
    text: `rc_need="net.eth0"\nDISK=/srv/a\nplace=cellar\nconfig_a="0 1 eth0 $DISK"\n`,
    exports: [one({ persist: true })],
    remarks: [[3, /place is none of its service's/]],
  },
  {
    title: 'a unit that runs it as somebody else',
    text: '[Service]\nUser=nobody\nExecStart=/usr/sbin/vblade 0 1 eth0 /srv/a\n',
    leftOut: [[3, /User=nobody may keep it/]],
  },
  {
    title: 'commands that run it as somebody else',
    text: '[Service]\nExecStart=/usr/bin/sudo -u nobody vblade 0 1 eth0 /srv/a\nExecStart=/usr/bin/sudo vblade 0 2 eth0 /srv/b\nExecStart=/sbin/start-stop-daemon --start --chuid nobody --exec /usr/sbin/vblade -- 0 3 eth0 /srv/c\n',
    exports: [one({ slot: 2, path: '/srv/b' })],
    remarks: [
      [2, /what sudo does with a target can't be told/],
      [4, /what start-stop-daemon does/],
    ],
  },
  {
    title: 'Fedora’s and Ubuntu’s lines',
    text: `# network_device shelf slot file/disk/partition mac[,mac[,mac]]\neth0 0 1 /srv/a # the first\n\n  eth0\t0 2 /srv/b ${MAC},020000000002\neth0 0 3 /srv/c guest\neth0 0 4 /srv/d#old\neth0 0 5 /srv/e ${MAC} -r\neth0 0 6\neth0 0 7 $DISK\n`,
    exports: [one(), one({ slot: 2, path: '/srv/b', options: { macs: [MAC, '02:00:00:00:00:02'] } })],
    leftOut: [
      [5, /"guest" is no MAC address/],
      [6, /may mean something else/],
      [7, /is not IF SHELF SLOT PATH/],
      [8, /is not IF SHELF SLOT PATH|would get/],
      [9, /may mean something else/],
    ],
  },
  {
    title: 'OpenWrt’s UCI',
    text: "config 'vblade'\n\toption 'shelf'\t'0'\n\toption 'slot'\t'1'\n\toption 'netif'\t'eth0'\n\toption 'device' '/srv/a'\n\nconfig vblade second\n\toption shelf 0\n\toption slot 2\n\toption netif \"eth0\"\n\toption device '/srv/b\n\nconfig vblade\n\toption shelf 0\n\toption slot 3\n\toption netif eth0\n\toption device /srv/c\n\toption readonly 1\nconfig other\n\toption shelf 9\nconfig vblade\n\toption shelf 0\n\toption slot 4\n\toption device /srv/d\n",
    exports: [one()],
    leftOut: [
      [7, /line 11 can't be read/],
      [13, /what the option readonly changes/],
      [21, /names no netif/],
    ],
  },
  {
    title: 'a systemd unit',
    text: `[Unit]\nDescription=vblade 0 9 eth0 /srv/no\n[Service]\nEnvironment="OPTS=-r -m ${MAC}" DISK=/srv/b\nExecStart=/usr/sbin/vblade 0 1 eth0 /srv/a\nExecStart=-/usr/sbin/vbladed $OPTS \\\n  0 2 eth0 "\${DISK}"\nExecStart=/usr/sbin/vblade $OPTS 0 3 eth0 /srv/c\nExecStart=/usr/sbin/vblade 0 4 eth0 /srv/%i\nExecStart=/bin/sh -c 'exec vblade -r 0 5 eth0 /srv/e'\nRestart=always\n[Install]\nWantedBy=multi-user.target\n`,
    exports: [
      one({ restart: 'on-failure', persist: true }),
      one({ slot: 3, path: '/srv/c', options: { readOnly: true, macs: [MAC] } }),
      one({ slot: 5, path: '/srv/e', options: { readOnly: true } }),
    ],
    leftOut: [
      [6, /replaced by systemd/],
      [9, /replaced by systemd/],
    ],
  },
  {
    title: 'a unit that holds under conditions',
    text: '[Unit]\nConditionHost=one\n[Service]\nExecStart=/usr/sbin/vblade 0 1 eth0 /srv/a\n',
    leftOut: [[4, /ConditionHost=one limits the unit/]],
  },
  {
    title: 'a unit whose variables are in another file',
    text: '[Service]\nEnvironmentFile=/etc/default/vblade\nExecStart=/usr/sbin/vblade $OPTIONS 0 1 eth0 /srv/a\n',
    leftOut: [[3, /replaced by systemd/]],
  },
];

for (const one of FILES) {
  test(`E: ${one.title}`, (t) => check(t, parseVbladeFile('f', one.text, HOMES), one));
}

test('E: a unit that is not enabled, and one of two parts', (t) => {
  const text = '[Service]\nExecStart=/usr/sbin/vblade 0 1 eth0 /srv/a\n';
  check(t, parseUnit([{ file: 'f', text }], false), { title: '', text, leftOut: [[2, /not enabled/]] });
  const dropIn = { file: 'd', text: '[Service]\nExecStart=\nExecStart=vblade -r 0 1 eth0 /srv/a\n' };
  const found = parseUnit([{ file: 'f', text }, dropIn], true);
  t.like(found.exports, [{ options: { readOnly: true }, place: { file: 'd', line: 3 } }]);
  t.is(found.exports.length, 1);
});

const fifty = Array.from({ length: 50 }, (_, index) => `[ -e /x ] && vblade 0 ${index} eth0 /srv/${index} &`);
const SCRIPTS: Case[] = [
  {
    title: 'lines of rc.local, with options behind operands',
    text: `#!/bin/sh -e\n# vblade 9 9 eth0 /srv/no\nmodprobe aoe\nkillall vblade || true\n/usr/sbin/vbladed 0 1 eth0 /srv/a -r -m ${MAC}\nsudo nohup ionice -c3 vblade -b 16 -- 0 2 eth0 /srv/b > /dev/null 2>&1 &\nip netns exec lab vblade 0 3 eth0 /srv/c\nstart-stop-daemon --start --exec /usr/sbin/vblade --background -- 0 4 eth0 /srv/d\nvblade-persist setup 0 5 eth0 /srv/e\nchroot /jail vblade 0 6 eth0 /srv/f\nvbladed 0 7 eth0 '/srv/a b'\ntimeout 5 vblade 0 8 eth0 /srv/h\nexit 0\nvblade 0 9 eth0 /srv/i\n`,
    exports: [
      one({ options: { readOnly: true, macs: [MAC] }, persist: true }),
      one({ slot: 2, path: '/srv/b', options: { bufferCount: 16 } }),
      one({ slot: 3, path: '/srv/c', netns: 'lab' }),
      one({ slot: 4, path: '/srv/d' }),
      one({ slot: 5, path: '/srv/e' }),
    ],
    leftOut: [
      [11, /second shell/],
      [14, /behind the end of the script \(line 13\)/],
    ],
    remarks: [
      [10, /what chroot does with a target/],
      [12, /what timeout does with a target/],
    ],
  },
  {
    title: 'lines for kernel modules',
    text: 'losetup -r /dev/loop7 /srv/ro.img\n./kvadd 1 1 eth0 /dev/vg/a\n/usr/local/sbin/kvadd 1 2 eth0 /dev/loop7\nkvadd 1 3 eth0 /dev/vg/c\nkvdel 1 3 eth0\necho "add /dev/vg/d 2 1 eth0" > /proc/aoeserver\necho add /dev/vg/e 2 2 > /proc/aoeserver\necho add /dev/vg/f 2 3 eth0 >> /proc/aoeserver\necho hostmask 2 3 02:00:00:00:00:01 > /proc/aoeserver\necho add do /dev/vg/g > /sys/vblade/drives\necho "add eth0 3 1 32 8" | sudo tee /sys/vblade/do/ports > /dev/null\nprintf "add eth1 3 1 32 8\\n" > /sys/vblade/do/ports\necho add eth0 3 2 32 8 > /sys/vblade/no/ports\n',
    exports: [
      { implementation: 'kvblade', shelf: 1, slot: 1, iface: 'eth0', path: '/dev/vg/a', persist: true },
      { implementation: 'kvblade', slot: 2, path: '/srv/ro.img', loop: true, options: { readOnly: true } },
      { implementation: 'aoeserver', shelf: 2, slot: 1, iface: 'eth0', path: '/dev/vg/d' },
      {
        implementation: 'vblade-kernel',
        shelf: 3,
        slot: 1,
        iface: 'eth0',
        path: '/dev/vg/g',
        options: { queueLength: 32 },
      },
      { implementation: 'vblade-kernel', shelf: 3, slot: 1, iface: 'eth1' },
    ],
    leftOut: [
      [7, /serves all/],
      [8, /line 9 changes whom it serves/],
      [13, /the drive no is not made before it/],
    ],
  },
  {
    title: 'conditions, loops and functions',
    text: 'if [ -b /dev/sdb ]; then\n  vblade 0 1 eth0 /dev/sdb &\nelse\n  kvadd 0 1 eth0 /dev/sdc\nfi\nfor i in 1 2; do vblade 1 $i eth0 /srv/$i & done\nserve() { vblade "$@" & }\nserve 2 1 eth0 /srv/z\n',
    leftOut: [
      [2, /stands in a condition \(line 1\)/],
      [6, /can't be told.*\$?i/],
      [7, /can't be told/],
      [4, /stands in a condition \(line 1\)/],
    ],
  },
  {
    title: 'a script that a shell can not read',
    text: "vblade 0 1 eth0 '/srv/a\n",
    remarks: [[1, /a quote is never closed: nothing of it is taken over/]],
  },
];

for (const one of SCRIPTS) {
  test(`E: ${one.title}`, (t) => {
    check(t, parseScript({ file: 'f', facts: { persist: true } }, one.text), one);
  });
}

test('E: fifty lines that depend on something have one reason', (t) => {
  const { leftOut, remarks } = parseScript({ file: 'f' }, fifty.join('\n'));
  t.is(leftOut.length, 50);
  t.is(new Set(leftOut.map(({ reason }) => reason)).size, 1);
  t.deepEqual(remarks, []);
});
