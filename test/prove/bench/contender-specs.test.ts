import test from 'ava';
import { UsageError } from '../../../src/base/errors.js';
import { hasModules, isOther, parseContenders } from '../../../src/prove/bench/contender-specs.js';

for (const text of ['', 'vblade,', 'Vblade', 'vblade@', 'a b', '../x', 'vblade,vblade']) {
  test(`"${text}" is refused`, (t) => {
    t.throws(() => parseContenders(text, []), { instanceOf: UsageError });
  });
}

for (const source of ['', '/tree', '=/tree', 'qaoed=/tree', 'ggaoed=/tree']) {
  test(`a source "${source}" of nobody that takes part is refused`, (t) => {
    t.throws(() => parseContenders('vblade,ggaoed@0.9', [source]), { instanceOf: UsageError });
  });
}

test('implementations, releases and sources find each other', (t) => {
  t.deepEqual(parseContenders('vblade,ggaoed@0.9,ggaoed@1.1', ['ggaoed@1.1=/trees/a=b']), [
    { name: 'vblade', implementation: 'vblade' },
    { name: 'ggaoed@0.9', implementation: 'ggaoed', release: '0.9' },
    { name: 'ggaoed@1.1', implementation: 'ggaoed', release: '1.1', source: '/trees/a=b' },
  ]);
});

test('what is no AoE target is known by its name', (t) => {
  t.deepEqual(['nbdkit', 'qemu-nbd', 'tgt', 'fio', 'vblade'].map(isOther), [true, true, true, true, false]);
});

test('a kernel module among them is noticed, what is no implementation of ours is not looked for', async (t) => {
  t.true(await hasModules(parseContenders('native,kvblade', [])));
  t.false(await hasModules(parseContenders('native,vblade,fio,qemu-nbd', [])));
});
