import test from 'ava';
import { readDevices, type SurveyedDevice } from '../../../src/hosts/prepare/devices.js';

const DISK = { path: '/dev/sda', type: 'disk', size: 1024, readOnly: false, usedBy: ['/dev/sda1'] };
const PART = { path: '/dev/sda1', type: 'part', size: 512, readOnly: true, usedBy: ['/srv'] };

const CASES: [title: string, text: string, devices: SurveyedDevice[]][] = [
  ['nothing', '', []],
  [
    'C3: util-linux 2.32 has texts for numbers, and one mount point',
    '{"blockdevices":[{"name":"/dev/sda","type":"disk","size":"1024","ro":"0","fstype":null,"mountpoint":null,"children":[{"name":"/dev/sda1","type":"part","size":"512","ro":"1","fstype":null,"mountpoint":"/srv"}]}]}',
    [DISK, PART],
  ],
  [
    'util-linux 2.37 has all mount points',
    '{"blockdevices":[{"name":"/dev/sda1","type":"part","size":512,"ro":true,"fstype":null,"mountpoints":["/srv",null,"/mnt"]}]}',
    [{ ...PART, usedBy: ['/srv', '/mnt'] }],
  ],
  [
    'C3: without lsblk, in sectors; one without a medium is left out',
    '/dev/loop0 loop 0 0\n/dev/sda disk 2 0 /dev/sda1\n/dev/sda1 part 1 1 /srv',
    [DISK, PART],
  ],
];

for (const [title, text, devices] of CASES) test(title, (t) => t.deepEqual(readDevices(text), devices));
