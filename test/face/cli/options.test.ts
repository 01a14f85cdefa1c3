import test from 'ava';
import { macs } from '../../../src/face/cli/options.js';

test('--mac takes addresses in the usual forms, and none that no station has', (t) => {
  t.deepEqual(macs('02:00:00:00:00:01,0200.0000.0002', ['02:00:00:00:00:00']), [
    '02:00:00:00:00:00',
    '02:00:00:00:00:01',
    '02:00:00:00:00:02',
  ]);
  for (const [text, message] of [
    ['x', /"x" is no MAC address/],
    ['00:00:00:00:00:00', /admits nobody: no station has the address of zeros/],
    ['02:00:00:00:00:01,ff:ff:ff:ff:ff:ff', /"ff:ff:ff:ff:ff:ff" admits nobody: .*broadcast/],
    ['01:00:5e:00:00:01', /admits nobody: .*group/],
  ] as const) {
    t.throws(() => macs(text), { message }, text);
  }
});
