import test from 'ava';
import { Rate } from '../../../src/face/ui/progress.js';
import { transfersLine } from '../../../src/face/ui/transfers.js';

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
const plain = (text: string) => text.replaceAll(/\u001b\[[\d;]+m/g, '');
const MIB = 2 ** 20;

test('one copy: what, where to, how far, how fast, how long still', (t) => {
  const rate = new Rate();
  transfersLine([{ what: 'image to store', done: 0, total: 8 * MIB }], rate, 1000);
  const line = plain(transfersLine([{ what: 'image to store', done: 2 * MIB, total: 8 * MIB }], rate, 2000));
  t.regex(line, /^image to store ━+ +25 % {2}2 MiB of 8 MiB {2}2\.1 MB\/s {2}3 s left$/);
});

test('several copies are one line, by their sum; where one is a folder there is no whole', (t) => {
  const two = [
    { what: 'vblade to one', done: MIB, total: 2 * MIB },
    { what: 'vblade to two', done: 2 * MIB, total: 2 * MIB },
  ];
  t.regex(
    plain(transfersLine(two, new Rate(), 0)),
    /^2 copies, vblade to one and others ━+ +75 % {2}3 MiB of 4 MiB$/,
  );
  const folder = { what: 'aoe-lab to three', done: MIB, total: 0 };
  t.is(plain(transfersLine([folder, ...two], new Rate(), 0)), '3 copies, aoe-lab to three and others 4 MiB');
});
