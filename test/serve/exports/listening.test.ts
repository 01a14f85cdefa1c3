import test from 'ava';
import { isListening, parseSockets } from '../../../src/serve/exports/listening.js';

const HEAD = 'sk               RefCnt Type Proto  Iface R Rmem   User   Inode';
const row = (protocol: string, iface: number, inode: number): string =>
  `00000000c0ffee00 3      3    ${protocol}   ${iface}     1 0      0      ${inode}`;
const link = (pid: number, fd: number, to: string): string =>
  `lrwx------ 1 root root 64 Nov 28 21:00 /proc/${pid}/fd/${fd} -> ${to}`;

const TEXT = [
  'seen 7',
  HEAD,
  row('88a2', 4, 100),
  row('0003', 0, 101),
  row('88a2', 5, 102),
  'seen 8 same',
  'hidden 9 same',
  'seen 10',
  HEAD,
  row('88a2', 4, 103),
  'hidden 11',
  '@names',
  link(7, 3, 'socket:[100]'),
  link(7, 4, '/srv/disk'),
  link(8, 3, 'socket:[101]'),
  link(10, 3, '/srv/x\nseen 12'),
  link(10, 4, 'socket:[999]'),
].join('\n');

/** Processes that listen on interface 4, on 5 and on 6. */
function listeners(): number[][] {
  const known = parseSockets(TEXT);
  return [4, 5, 6].map((index) =>
    [...known].filter(([, one]) => isListening(one, index)).map(([pid]) => pid),
  );
}

test('a process listens where a packet socket of its own is bound, in the table of its own namespace', (t) => {
  // 8 has one for all interfaces; what 9 has can't be seen, and its namespace takes AoE on two of them.
  t.deepEqual(listeners(), [[7, 8, 9], [8, 9], [8]]);
});
