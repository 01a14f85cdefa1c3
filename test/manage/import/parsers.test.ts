import test, { type ExecutionContext } from 'ava';
import { parseAoeserver } from '../../../src/manage/import/aoeserver.js';
import type { Found, FoundExport } from '../../../src/manage/import/found.js';
import { parseGgaoed } from '../../../src/manage/import/ggaoed.js';
import { parseEthers } from '../../../src/manage/import/ggaoed-host.js';
import { parseKvblade } from '../../../src/manage/import/kvblade.js';
import { parseQaoed } from '../../../src/manage/import/qaoed.js';
import { parseVblade } from '../../../src/manage/import/vblade.js';
import { parseVbladeKernel } from '../../../src/manage/import/vblade-kernel.js';

const SURROUNDINGS = {
  interfaces: ['eth0', 'eth1', 'vlan5'],
  passedOver: new Map([['eth9', 'is down']]),
  ethers: parseEthers('# hosts\n2:0:0:0:0:9 client9\n'),
  masked: (name: string) => (name === 'kept' ? '/var/lib/ggaoed/kept.mac_mask' : undefined),
};

interface Case {
  title: string;
  text: string;
  exports?: Partial<FoundExport>[];
  /** Line and words of each remark, in order. */
  remarks?: [number | undefined, RegExp][];
  /** Line and reason of each export that is left out, in order. */
  leftOut?: [number | undefined, RegExp][];
}

function check(t: ExecutionContext, found: Found, { exports = [], remarks = [], leftOut = [] }: Case): void {
  t.is(found.leftOut.length, leftOut.length, JSON.stringify(found.leftOut, null, 1));
  for (const [index, [line, words]] of leftOut.entries()) {
    t.is(found.leftOut[index]?.place.line, line, found.leftOut[index]?.reason);
    t.regex(found.leftOut[index]?.reason ?? '', words);
  }
  t.is(found.remarks.length, remarks.length, JSON.stringify(found.remarks, null, 1));
  for (const [index, [line, words]] of remarks.entries()) {
    t.is(found.remarks[index]?.line, line, found.remarks[index]?.text);
    t.regex(found.remarks[index]?.text ?? '', words);
  }
  t.is(found.exports.length, exports.length);
  for (const [index, one] of exports.entries()) t.like(found.exports[index], one);
}

const VBLADE: Case[] = [
  {
    title: 'what would have to be run is told, and the export left out',
    text: 'shelf=$(cat /etc/shelf)\nslot=1\nnetif=eth0\nfilename=/srv/a\n',
    leftOut: [[4, /\$\(cat \/etc\/shelf\) would have to be run/]],
  },
  { title: 'a skeleton of comments exports nothing and needs no words', text: '# shelf=1\n\n# slot=2\n' },
  {
    title: 'a broadcast address is no address',
    text: 'shelf=65535\nslot=1\nnetif=eth0\nfilename=/srv/a\n',
    leftOut: [[4, /shelf "65535" is not in 0…65534/]],
  },
  {
    title: 'options it does not have, and those it would read in another way',
    text: "shelf=1\nslot=1\nnetif=eth0\nfilename=/srv/a\noptions='-x -b many -m 2:0:0:0:0:1'\nionice='-c2'\n",
    remarks: [[6, /ionice -c2/]],
    leftOut: [[5, /option -x is none.*-b "many" is no number.*"2:0:0:0:0:1" is no MAC/]],
  },
  {
    title: 'a word that is none of its options is one operand too many',
    text: "shelf=1\nslot=1\nnetif=eth0\nfilename=/srv/a\noptions='stray'\n",
    leftOut: [[5, /would get 5 words/]],
  },
  {
    title: 'octal to vblade, decimal to people',
    text: "shelf=1\nslot=1\nnetif=eth0\nfilename=/srv/a\noptions='-o 010'\n",
    leftOut: [[5, /-o "010" is no number/]],
  },
  {
    title: 'a whole export, quoted in several ways',
    text: `shelf=10 # rack 1\nslot="3"\nnetif=em\\3\nfilename='/srv/my disk'\noptions='-drs -m 10:22:33:44:55:66,020000000001 -o8 -l 0x10 -b 16';\n`,
    exports: [
      {
        implementation: 'vblade',
        shelf: 10,
        slot: 3,
        iface: 'em3',
        path: '/srv/my disk',
        options: {
          directIo: true,
          readOnly: true,
          sync: true,
          macs: ['10:22:33:44:55:66', '02:00:00:00:00:01'],
          offset: 8,
          length: 16,
          bufferCount: 16,
        },
        restart: 'on-failure',
        persist: true,
        place: { file: 'f', line: 4 },
      },
    ],
  },
  {
    title: 'E: forms that a shell reads',
    text: `shelf=0 slot=1\nexport netif=eth0\nDIR=~/disks; filename=$DIR/"a "'b'\\ c\noptions="-r\n  -m 02:00:00:00:00:01"; ionice=\n`,
    exports: [
      {
        shelf: 0,
        slot: 1,
        iface: 'eth0',
        path: '/root/disks/a b c',
        options: { readOnly: true, macs: ['02:00:00:00:00:01'] },
      },
    ],
  },
  {
    title: 'E: a second -m adds to the first',
    text: "shelf=0\nslot=1\nnetif=eth0\nfilename=/srv/a\noptions='-m 02:00:00:00:00:01 -m 02:00:00:00:00:02'\n",
    exports: [{ options: { macs: ['02:00:00:00:00:01', '02:00:00:00:00:02'] } }],
  },
  ...(
    [
      ['a variable that nothing sets', 'options="-r -m $ALLOWED"', 5, /\$ALLOWED is not set/],
      ['a condition', 'if [ -e /x ]; then options=-r; fi', 5, /options: it stands in a condition/, [5]],
      [
        'a case',
        'case $HOSTNAME in\n(a|b) options=-r;;\n*) ;;\nesac',
        6,
        /options: it stands in a condition/,
      ],
      ['&&', '[ -e /x ] && options=-r', 5, /options: it depends on how/, [5]],
      ['a loop', 'for x in a b; do options=-$x; done', 5, /options: it stands in a loop/],
      ['a function', 'f() { options=; }\noptions=-r\nf', 6, /the function f may set it/],
      [
        'an included file',
        'options=-r\n. /etc/default/vblade',
        5,
        /the file included in line 6 may set it/,
        [6],
      ],
      ['eval', 'options=-r\neval "$X"', 5, /eval in line 6 may set it/, [6]],
      ['read', 'options=-r\nread options < /etc/x', 5, /read sets it/, [6]],
      ['unset', 'options=-r\nunset options', 5, /unset sets it/, [6]],
      ['added text', 'options=-r\noptions+=x', 6, /options is added to/],
      ['another IFS', 'IFS=,\nX=-r,-m\noptions=$X', 7, /IFS is changed/],
      ['an early end', 'exit 0', 5, /may end the shell/],
      ['a conditional end', '[ -e /x ] || exit 0', 5, /may end the shell/, [5]],
      ['a quote that never ends', "options='-r", 5, /a quote is never closed/],
      ['a file name pattern', 'options=-r*', 5, /matched with file names/],
      ['an array', 'options=(-r)', 5, /can't be read/, [5]],
      ['an empty list', "options='-m ,'", 5, /is empty/],
    ] as [string, string, number, RegExp, number[]?][]
  ).map(
    ([title, options, line, words, passed = []]): Case => ({
      title: `E: ${title}: left out`,
      text: `shelf=0\nslot=1\nnetif=eth0\nfilename=/srv/a\n${options}\n`,
      leftOut: [[line, words]],
      remarks: passed.map((one) => [one, /what it runs is passed over/]),
    }),
  ),
];

const HOMES = new Map([['', '/root']]);

for (const one of VBLADE)
  test(`vblade: ${one.title}`, (t) => check(t, parseVblade('f', one.text, HOMES), one));

const GGAOED: Case[] = [
  {
    title: 'lines for which ggaoed refuses the file, a device without shelf or path',
    text: 'queue-length=3\n[a]\nnonsense\nslot=1\npath=/srv/a\n[b]\nshelf=1\nslot=1\n[c]\nshelf=1\nslot=1\npath=/srv/a\n',
    remarks: [
      [2, /a has no shelf/],
      [9, /c is served on whatever matches/],
    ],
    leftOut: [
      [6, /b has no path/],
      [1, /ggaoed refuses the file: queue-length stands before the first group/],
    ],
  },
  {
    title: 'E: to refuse some can not be said, to admit others than those can',
    text: '[acls]\nall=02:00:00:00:00:01,02:00:00:00:00:02\n[a]\nshelf=0\nslot=1\npath=/srv/a\ninterfaces=eth0\ndeny=all\n[b]\nshelf=0\nslot=2\npath=/srv/b\ninterfaces=eth0\naccept=all,client9\ndeny=02:00:00:00:00:01\n[c]\nshelf=0\nslot=3\npath=/srv/c\ninterfaces=eth0\naccept=all\ndeny=stranger\n[d]\nshelf=0\nslot=4\npath=/srv/d\ninterfaces=eth0\naccept=stranger\n[e]\nshelf=0\nslot=5\npath=/srv/e\ninterfaces=eth0\naccept=\n',
    exports: [{ slot: 2, options: { directIo: true, macs: ['02:00:00:00:00:02', '02:00:00:00:00:09'] } }],
    leftOut: [
      [8, /refuses .*; a lab can only say who is admitted/],
      [22, /"stranger" is no MAC address/],
      [28, /"stranger" is no MAC address/],
      [34, /is empty, and ggaoed serves all/],
    ],
  },
  {
    title: 'a list that was set over the wire',
    text: '[kept]\nshelf=0\nslot=1\npath=/srv/a\ninterfaces=eth0\n',
    leftOut: [[1, /\/var\/lib\/ggaoed\/kept.mac_mask says whom kept serves besides/]],
  },
  {
    title: 'E: patterns are matched with the interfaces that can be used, within those of the daemon',
    text: '[defaults]\ninterfaces=eth*\n[a]\nshelf=0\nslot=1\npath=/srv/a\n[b]\nshelf=0\nslot=2\npath=/srv/b\ninterfaces=vlan?\n[c]\nshelf=0\nslot=3\npath=/srv/c\ninterfaces=eth7\n',
    exports: [
      { slot: 1, iface: 'eth0' },
      { slot: 1, iface: 'eth1' },
      { slot: 3, iface: 'eth7' },
    ],
    remarks: [[3, /a is served on whatever matches; here on eth0, eth1; not on eth9, which is down/]],
    leftOut: [[11, /b can be served on is among vlan\?/]],
  },
  {
    title: 'tuning of daemon, device and interface is told, defaults are taken over',
    text: '[defaults]\nqueue-length=32\ndirect-io=false\nstate-directory=/var/lib/ggaoed\nmax-delay=0.1\n[eth0]\nmtu=9000\n[a]\nshelf=0\nslot=1\npath=/srv/a\\sb\ninterfaces=eth0\ntrace-io=true\n[b]\nshelf=0\nslot=2\npath=/srv/b\ninterfaces=eth0\nread-only=maybe\n[c]\nshelf=0\nslot=3\npath=/srv/\\c\ninterfaces=eth0\n[d]\nshelf=0\nslot=4\npath=/srv/d \ninterfaces=eth0\nread-only=true \n',
    exports: [
      { path: '/srv/a b', options: { queueLength: 32 } },
      { path: '/srv/d ', options: { queueLength: 32, readOnly: true } },
    ],
    remarks: [
      [4, /config strings.*\/var\/lib\/ggaoed/],
      [5, /max-delay of the daemon/],
      [7, /mtu of the interface eth0/],
      [13, /trace-io of a/],
    ],
    leftOut: [
      [19, /"maybe" is neither true nor false/],
      [23, /an escape that there is not/],
    ],
  },
  {
    title: 'the guide’s example; buffers tell the old release',
    text: '[defaults]\npid-file=/var/run/ggaoed.pid\nbuffers=64\n[testdev]\npath=/dev/loop0\ndirect-io=true\nqueue-length=16\nshelf=0\nslot=0\ninterfaces=eth0\nbroadcast=true\nread-only=true\n',
    exports: [
      {
        implementation: 'ggaoed',
        release: '0.9',
        shelf: 0,
        slot: 0,
        iface: 'eth0',
        path: '/dev/loop0',
        options: { directIo: true, readOnly: true, queueLength: 16 },
        place: { file: 'f', line: 4 },
      },
    ],
    remarks: [[3, /buffers of the daemon/]],
  },
];

for (const one of GGAOED) {
  test(`ggaoed: ${one.title}`, (t) => check(t, parseGgaoed('f', one.text, SURROUNDINGS), one));
}

const QAOED: Case[] = [
  {
    title: 'the guide’s block that is never closed: qaoed refuses the file',
    text: 'default {\n shelf = 1;\ndevice { target = /srv/a; slot = 1; interface = eth0; }\n',
    remarks: [[1, /this is no qaoed.conf.*default \{ is never closed/]],
  },
  ...(
    [
      ['a comment that is never closed', '/* the rest', /comment is never closed/],
      ['a setting without an end', 'log-level = error', /log-level = … does not end with ;/],
      ['stray words', 'what', /neither a setting nor a block: what/],
      ['another block', 'foo { }', /a block foo is none of qaoed's/],
      ['another setting', 'readonly = yes;', /readonly is none of its settings/],
      ['another value', 'default { writecache = maybe; }', /writecache is on or off, not maybe/],
      ['a quoted text that it reads in pieces', 'default { target = "/srv/a#b"; }', /read in pieces/],
      ['what closes nothing', '}', /} closes nothing/],
    ] as [string, string, RegExp][]
  ).map(
    ([title, rest, words]): Case => ({
      title: `E: ${title}: this is no qaoed.conf`,
      text: `device { target = /srv/a; shelf = 0; slot = 1; interface = eth0; }\n${rest}`,
      remarks: [[2, words]],
    }),
  ),
  {
    title: 'E: the file of another program, of a similar form, becomes no lab',
    text: 'logger screen {\n  type screen\n}\nacl all {\n  policy reject\n  accept 02:00:00:00:00:01\n}\ndevice /dev/sdb {\n  shelf 0\n  slot 1\n  interface eth0\n  acl all\n}\n',
    remarks: [[1, /this is no qaoed.conf/]],
  },
  {
    title: 'slots count up from the default one',
    text: 'default { shelf = 2; slot = 5; interface = eth0; writecache = off; }\ndevice { target = /srv/a; }\ndevice { target = /srv/b; slot = 1; }\ndevice { target = "/srv/c d"; } # last\n',
    exports: [
      { shelf: 2, slot: 5, path: '/srv/a', options: { sync: true } },
      { shelf: 2, slot: 1, path: '/srv/b' },
      { shelf: 2, slot: 6, path: '/srv/c d' },
    ],
  },
  {
    title: 'E: of access lists that differ, whom all admit',
    text: [
      'access-list { name = some; accept = 02:00:00:00:00:01; accept = "02:00:00:00:00:02"; reject = 02:00:00:00:00:02; }',
      'access-list { name = none; policy = reject; accept = 00:00:00:00:00:00; }',
      'access-list { name = most; policy = accept; reject = 02:00:00:00:00:01; }',
      'access-list { name = one; accept = 02:00:00:00:00:01; }',
      'access-list { name = odd; accept = nobody; }',
      ...[
        'read = some; cfgset = some; discover = some; write = none;',
        'cfgread = some;',
        'read = some; write = one;',
        'read = some; write = most;',
        'read = most;',
        'read = one; write = lost;',
        'read = odd;',
        'read = one; write = most;',
      ].map(
        (acl, at) =>
          `device { target = /srv/${at}; shelf = 0; slot = ${at}; interface = eth0; acl { ${acl} } }`,
      ),
    ].join('\n'),
    exports: [
      { slot: 0, options: { readOnly: true, macs: ['02:00:00:00:00:01', '02:00:00:00:00:02'] } },
      { slot: 1, options: { macs: ['02:00:00:00:00:01', '02:00:00:00:00:02'] } },
      { slot: 2, options: { macs: ['02:00:00:00:00:01'] } },
      { slot: 3, options: { macs: ['02:00:00:00:00:02'] } },
    ],
    remarks: [
      [7, /different access lists/],
      [8, /different access lists.*: 02:00:00:00:00:01$/],
      [9, /different access lists.*: 02:00:00:00:00:02$/],
    ],
    leftOut: [
      [10, /refuses 02:00:00:00:00:01; a lab can only say who is admitted/],
      [11, /no access list lost/],
      [12, /"nobody" is no MAC address/],
      [13, /nobody may do all/],
    ],
  },
  {
    title: 'what a lab can not say is told',
    text: 'interface { interface = eth0; mtu = 4096; }\nlogging { name = default; type = syslog; }\ndevice { target = /srv/a; shelf = 0; slot = 1; interface = eth0; broadcast = off; log = x; }\ndevice { shelf = 0; slot = 2; }',
    exports: [{ slot: 1 }],
    remarks: [
      [1, /mtu = 4096/],
      [3, /broadcast = off/],
      [3, /log of a device/],
    ],
    leftOut: [[4, /names no target/]],
  },
  {
    title: 'E: an included file may limit whom it serves',
    text: 'include = /etc/qaoed.d/*.conf;\ndevice { target = /srv/a; shelf = 0; slot = 1; interface = eth0; }\n',
    leftOut: [[1, /\/etc\/qaoed.d\/\*.conf is included/]],
  },
];

for (const one of QAOED) test(`qaoed: ${one.title}`, (t) => check(t, parseQaoed('f', one.text), one));

test('kvblade: folders that are exports, as the kernel writes them', (t) => {
  const found = parseKvblade('/sys/kvblade', [
    { name: '1.2@eth0', bpath: '/dev/loop0\n' },
    { name: '1.3@bond0.5', bpath: '' },
    { name: '1.999@eth0', bpath: '/dev/loop1\n' },
  ]);
  t.like(found.exports, [
    { implementation: 'kvblade', shelf: 1, slot: 2, iface: 'eth0', path: '/dev/loop0' },
  ]);
  t.deepEqual(
    found.leftOut.map(({ place }) => place.file),
    ['/sys/kvblade/1.3@bond0.5', '/sys/kvblade/1.999@eth0'],
  );
});

test('E: aoeserver: its devices, unless they serve all interfaces or some initiators only', (t) => {
  const text =
    '#<device>              <shelf>     <slot>     <interface>\n/dev/vg/a                 1          1         eth0\n/dev/vg/b                 1          2         \n/dev/vg/c                 1          3         eth0\n\n# access lists\n#<shelf>     <slot>       <allowed host>  \n1              3         02:00:00:00:00:01\n';
  check(t, parseAoeserver('f', text), {
    title: '',
    text,
    exports: [{ implementation: 'aoeserver', shelf: 1, slot: 1, iface: 'eth0', path: '/dev/vg/a' }],
    leftOut: [
      [3, /all interfaces/],
      [4, /admits some initiators only/],
    ],
  });
});

test('E: vblade-kernel: ports of drives whose device is told', (t) => {
  const found = parseVbladeKernel('/sys/vblade', 'do /dev/vg/a\n', [
    { name: 'do', ports: 'eth0 0 2 32 8\neth1 0 2 32 8\n' },
    { name: 'lost', ports: 'eth0 0 3 32 8\n' },
  ]);
  t.like(found.exports, [
    {
      implementation: 'vblade-kernel',
      slot: 2,
      iface: 'eth0',
      path: '/dev/vg/a',
      options: { queueLength: 32 },
    },
    { slot: 2, iface: 'eth1' },
  ]);
  t.regex(found.leftOut[0]?.reason ?? '', /does not tell the device of lost/);
});
