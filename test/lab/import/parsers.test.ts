import test, { type ExecutionContext } from 'ava';
import type { Found, FoundExport } from '../../../src/lab/import/found.js';
import { parseGgaoed } from '../../../src/lab/import/ggaoed.js';
import { parseKvblade } from '../../../src/lab/import/kvblade.js';
import { parseQaoed } from '../../../src/lab/import/qaoed.js';
import { parseEthers } from '../../../src/lab/import/sources.js';
import { parseVblade } from '../../../src/lab/import/vblade.js';

const SURROUNDINGS = {
  interfaces: ['eth0', 'eth1', 'vlan5'],
  ethers: parseEthers('# hosts\n2:0:0:0:0:9 client9\n'),
};

interface Case {
  title: string;
  text: string;
  exports?: Partial<FoundExport>[];
  /** Line and words of each remark, in order. */
  remarks?: [number | undefined, RegExp][];
}

function check(t: ExecutionContext, found: Found, { exports = [], remarks = [] }: Case): void {
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
    title: 'what would have to be run is told and left out',
    text: 'shelf=$(cat /etc/shelf)\nslot=1\nnetif=eth0\nfilename=/srv/a\n',
    remarks: [
      [1, /not a plain assignment.*shelf=\$\(cat/],
      [undefined, /sets no shelf/],
    ],
  },
  { title: 'a skeleton of comments exports nothing and needs no words', text: '# shelf=1\n\n# slot=2\n' },
  {
    title: 'a broadcast address is no address',
    text: 'shelf=65535\nslot=1\nnetif=eth0\nfilename=/srv/a\n',
    remarks: [[1, /shelf "65535" is not in 0…65534/]],
  },
  {
    title: 'options it does not have are told',
    text: "shelf=1\nslot=1\nnetif=eth0\nfilename=/srv/a\noptions='-x -b many stray'\nionice='-c2'\n",
    exports: [{ options: {} }],
    remarks: [
      [5, /option -x is none/],
      [5, /-b "many" is no number/],
      [5, /"stray" is none/],
      [6, /ionice -c2/],
    ],
  },
  {
    title: 'a whole export, quoted in several ways',
    text: `shelf=10 # rack 1\nslot="3"\nnetif=em\\3\nfilename='/srv/my disk'\noptions='-drs -m 11:22:33:44:55:66,2:0:0:0:0:1 -o8 -l 0x10 -b 16';\n`,
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
          macs: ['11:22:33:44:55:66', '02:00:00:00:00:01'],
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
];

for (const one of VBLADE) test(`vblade: ${one.title}`, (t) => check(t, parseVblade('f', one.text), one));

const GGAOED: Case[] = [
  {
    title: 'lines that are none, keys without a group, a device without shelf or path',
    text: 'queue-length=3\n[a]\nnonsense\nslot=1\npath=/srv/a\n[b]\nshelf=1\nslot=1\n',
    remarks: [
      [1, /queue-length stands before the first group/],
      [3, /neither a group nor a key.*nonsense/],
      [2, /a has no shelf/],
      [6, /b has no path/],
    ],
  },
  {
    title: 'to refuse some can not be said, to admit others than those can',
    text: '[acls]\nall=02:00:00:00:00:01,02:00:00:00:00:02\n[a]\nshelf=0\nslot=1\npath=/srv/a\ninterfaces=eth0\ndeny=all\n[b]\nshelf=0\nslot=2\npath=/srv/b\ninterfaces=eth0\naccept=all,client9,stranger\ndeny=02:00:00:00:00:01\n',
    exports: [
      { slot: 1, options: { directIo: true } },
      { slot: 2, options: { directIo: true, macs: ['02:00:00:00:00:02', '02:00:00:00:00:09'] } },
    ],
    remarks: [
      [8, /refuses .*: IT ADMITS ALL/],
      [14, /"stranger" is no MAC address/],
    ],
  },
  {
    title: 'patterns are matched with the interfaces that are there, within those of the daemon',
    text: '[defaults]\ninterfaces=eth*\n[a]\nshelf=0\nslot=1\npath=/srv/a\n[b]\nshelf=0\nslot=2\npath=/srv/b\ninterfaces=vlan?\n[c]\nshelf=0\nslot=3\npath=/srv/c\ninterfaces=eth7\n',
    exports: [
      { slot: 1, iface: 'eth0' },
      { slot: 1, iface: 'eth1' },
      { slot: 3, iface: 'eth7' },
    ],
    remarks: [
      [3, /a is served on whatever matches; now that is eth0, eth1/],
      [11, /b: no interface of this host is served by vlan\?/],
    ],
  },
  {
    title: 'tuning of daemon, device and interface is told, defaults are taken over',
    text: '[defaults]\nqueue-length=32\ndirect-io=false\nstate-directory=/var/lib/ggaoed\nmax-delay=0.1\n[eth0]\nmtu=9000\n[a]\nshelf=0\nslot=1\npath=/srv/a\\sb\ninterfaces=eth0\ntrace-io=true\nread-only=maybe\n',
    exports: [{ path: '/srv/a b', options: { queueLength: 32 } }],
    remarks: [
      [4, /config strings.*\/var\/lib\/ggaoed/],
      [5, /max-delay of the daemon/],
      [7, /mtu of the interface eth0/],
      [14, /"maybe" is neither true nor false/],
      [13, /trace-io of a/],
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
    title: 'the guide’s block that is never closed is told, and so is what closes nothing',
    text: '}\ndefault {\n shelf = 1;\ndevice { target = /srv/a; slot = 1; interface = eth0; }\n',
    exports: [{ shelf: 1, slot: 1, path: '/srv/a' }],
    remarks: [
      [1, /} closes nothing/],
      [2, /default \{ is never closed/],
    ],
  },
  {
    title: 'a comment that is never closed, a setting without an end, stray words',
    text: 'log-level = error\nwhat\ndevice { target = /srv/a; }\n/* the rest',
    remarks: [
      [4, /comment is never closed/],
      [1, /log-level = … does not end with ;/],
      [2, /neither a setting nor a block: what/],
      [3, /shelf "" is not/],
      [3, /slot "" is not/],
      [3, /without an interface/],
    ],
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
    title: 'access lists: by their first line that names one, and by policy',
    text: [
      'access-list { name = some; accept = 02:00:00:00:00:01; accept = "02:00:00:00:00:02"; reject = 02:00:00:00:00:02; }',
      'access-list { name = none; policy = reject; accept = 00:00:00:00:00:00; }',
      'access-list { name = most; policy = accept; reject = 02:00:00:00:00:03; }',
      'device { target = /srv/a; shelf = 0; slot = 1; interface = eth0; acl { read = some; cfgset = some; discover = some; write = none; } }',
      'device { target = /srv/b; shelf = 0; slot = 2; interface = eth0; acl { cfgread = some; } }',
      'device { target = /srv/c; shelf = 0; slot = 3; interface = eth0; acl { read = most; write = lost; } }',
    ].join('\n'),
    exports: [
      { slot: 1, options: { readOnly: true, macs: ['02:00:00:00:00:01', '02:00:00:00:00:02'] } },
      { slot: 2, options: { macs: ['02:00:00:00:00:01', '02:00:00:00:00:02'] } },
      { slot: 3, options: {} },
    ],
    remarks: [
      [3, /refuses 02:00:00:00:00:03.*IT ADMITS ALL/],
      [5, /different access lists/],
      [6, /no access list lost: IT ADMITS ALL/],
    ],
  },
  {
    title: 'what a lab can not say is told',
    text: 'include = /etc/qaoed.d/*.conf;\ninterface { interface = eth0; mtu = 4096; }\nlogging { name = default; type = syslog; }\ndevice { target = /srv/a; shelf = 0; slot = 1; interface = eth0; broadcast = off; log = x; }\nfoo { }\n',
    exports: [{ slot: 1 }],
    remarks: [
      [1, /not followed/],
      [2, /mtu = 4096/],
      [5, /block foo/],
      [4, /broadcast = off/],
      [4, /log of a device/],
    ],
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
    found.remarks.map(({ file }) => file),
    ['/sys/kvblade/1.3@bond0.5', '/sys/kvblade/1.999@eth0'],
  );
});
