import test from 'ava';
import { UsageError } from '../../../src/base/errors.js';
import { formatAddress, parseAddress } from '../../../src/wire/aoe/index.js';

for (const text of ['', 'e0', 'e0.', 'e.1', 'e0.255', 'e65535.0', 'e-1.0', 'e0.1.2', ' e0.1', 'f0.1']) {
  test(`"${text}" is no address`, (t) => {
    t.throws(() => parseAddress(text), { instanceOf: UsageError, message: /no address of a target/ });
  });
}

test('addresses are read with and without the e', (t) => {
  t.deepEqual(parseAddress('e0.1'), { shelf: 0, slot: 1 });
  t.deepEqual(parseAddress('65534.254'), { shelf: 65534, slot: 254 });
  t.is(formatAddress({ shelf: 10, slot: 3 }), 'e10.3');
});
