import test from 'ava';
import { identityLoss } from '../../src/lab/identity-loss.js';

const native = { model: 'aoe-lab native target', serial: '0123456789abcdef0123' };
const vblade = { model: 'Coraid EtherDrive vblade', serial: '0.1:store' };

test('A17: a move names the model and the serial before and after it', (t) => {
  const [loss, ...more] = identityLoss(native, vblade, false);
  t.deepEqual(more, []);
  t.regex(loss ?? '', /^model "aoe-lab native target" becomes "Coraid EtherDrive vblade"/);
  t.regex(loss ?? '', /serial "0123456789abcdef0123" becomes "0\.1:store": .*by-id/);
});

test('A17: what is known of neither side is named as well, unless the implementation stays', (t) => {
  t.regex(identityLoss({}, { model: 'ggaoed' }, false)[0] ?? '', /model \(not known\) becomes "ggaoed"/);
  t.deepEqual(identityLoss({}, {}, true), []);
  t.deepEqual(identityLoss(native, { model: native.model }, true), []);
  t.is(identityLoss(native, { model: native.model, serial: 'another' }, true).length, 1);
});

test('A17: the same model and serial are no loss, also where the serial is told one character short', (t) => {
  t.deepEqual(identityLoss(vblade, vblade, false), []);
  const long = 'x'.repeat(20);
  t.deepEqual(identityLoss({ ...vblade, serial: long.slice(1) }, { ...vblade, serial: long }, false), []);
});
