import test from 'ava';
import { identityLoss } from '../../../src/serve/migrate/identity-loss.js';

const native = { model: 'aoe-lab native target', serial: '0123456789abcdef0123' };
const vblade = { model: 'Coraid EtherDrive vblade', serial: '0.1:store' };
const tells = { model: /^Coraid EtherDrive vblade$/, serial: /^0\.1:/ };

test('A17: a move names the model and the serial before and after it', (t) => {
  const [loss, ...more] = identityLoss(native, tells, false);
  t.deepEqual(more, []);
  t.regex(loss ?? '', /^model "aoe-lab native target" becomes "Coraid EtherDrive vblade"/);
  t.regex(loss ?? '', /serial "0123456789abcdef0123" becomes "0\.1:…": .*by-id/);
});

test('A17: what is known of neither side is named as well, unless the implementation stays', (t) => {
  t.regex(
    identityLoss({}, { model: /^GGs$/ }, false)[0] ?? '',
    /model \(not known\) becomes "GGs", serial .* another one/,
  );
  t.deepEqual(identityLoss({}, {}, true), []);
  t.deepEqual(identityLoss(native, { model: /^aoe-lab native target$/ }, true), []);
  t.is(identityLoss(native, { serial: /^another$/ }, true).length, 1);
});

test('A17: what the new target tells as the old one did is no loss', (t) => {
  t.deepEqual(identityLoss(vblade, tells, false), []);
});
