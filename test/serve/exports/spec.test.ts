import test from 'ava';
import fc from 'fast-check';
import type { Control } from '../../../src/make/recipe/schema.js';
import type { ExportOptions } from '../../../src/serve/exports/entry.js';
import { checkSpec, OPTION_FLAGS, optionWords, withDefaults } from '../../../src/serve/exports/spec.js';

const control = (options: Control['options']): Control => ({
  shape: 'process',
  run: ['x'],
  stop: 'TERM',
  announces: true,
  backing: 'file',
  options,
});

const spec = (options: ExportOptions, shelf = 0, slot = 1) => ({
  shelf,
  slot,
  iface: 'eth0',
  path: '/x',
  options,
});

const faulty: [string, Control['options'], ReturnType<typeof spec>, RegExp][] = [
  ['the broadcast shelf is no address', {}, spec({}, 0xffff), /shelf 65535 is not in 0…65534/],
  ['the broadcast slot is no address', {}, spec({}, 0, 0xff), /slot 255 is not in 0…254/],
  ['an option the target lacks is named by its flag', {}, spec({ directIo: true }), /x 1 has no --direct-io/],
  ['all lacking options are named at once', {}, spec({ sync: true, macs: ['a'] }), /has no --mac, --sync/],
  [
    'a number below its range',
    { bufferCount: { min: 1 } },
    spec({ bufferCount: 0 }),
    /--buffer-count: 0 is not in 1…/,
  ],
  [
    'more MACs than the list takes',
    { macs: { max: 1 } },
    spec({ macs: ['a', 'b'] }),
    /--mac: 2 is not in 0…1/,
  ],
  [
    'a power of two that is none',
    { queueLength: { powerOfTwo: true } },
    spec({ queueLength: 6 }),
    /6 is no power of two/,
  ],
];

for (const [title, options, wanted, message] of faulty) {
  test(title, (t) => {
    const error = t.throws(() => checkSpec('x', '1', control(options), wanted));
    t.regex(error?.message ?? '', message);
    t.is((error as { exitCode?: number }).exitCode, 2);
  });
}

test('an option that is off need not be known', (t) => {
  t.notThrows(() => checkSpec('x', '1', control({}), spec({ readOnly: false, directIo: false })));
});

test('every address that is no broadcast is fine', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xfffe }), fc.integer({ min: 0, max: 0xfe }), (shelf, slot) => {
      checkSpec('x', '1', control({}), spec({}, shelf, slot));
    }),
  );
  t.pass();
});

test('the advice lists what the target has', (t) => {
  const error = t.throws(() => checkSpec('x', '1', control({ readOnly: {} }), spec({ sync: true })));
  t.regex(
    String((error as { facts?: { next?: string[] } }).facts?.next),
    new RegExp(`x 1 has ${OPTION_FLAGS.readOnly}`),
  );
});

test('what a lab asks for is told by its fields, not by flags', (t) => {
  const wanted = { ...spec({ sync: true, queueLength: 6 }), lab: 'test' };
  const able = control({ queueLength: { powerOfTwo: true }, readOnly: {} });
  const error = t.throws(() => checkSpec('x', '1', able, wanted), { message: /x 1 has no sync/ });
  t.regex(error?.message ?? '', /^exporting.*: queueLength: 6 is no power of two\n/);
  t.regex(JSON.stringify((error as { facts?: object }).facts), /x 1 has queueLength, readOnly/);
  t.notRegex(error?.message ?? '', /--/);
});

test('13: an export for listed initiators is locked unless that is refused, where its target can be', (t) => {
  const macs = ['02:00:00:00:00:01'];
  const able = control({ macs: {}, lockAccess: {} });
  t.deepEqual(withDefaults({ macs }, able), { macs, lockAccess: true });
  t.deepEqual(withDefaults({ macs, lockAccess: false }, able), { macs, lockAccess: false });
  t.deepEqual(withDefaults({ macs: [] }, able), { macs: [] });
  t.deepEqual(withDefaults({ lockAccess: true }, able), { lockAccess: true });
  t.deepEqual(withDefaults({ macs }, control({ macs: {} })), { macs });
  t.throws(() => checkSpec('x', '1', control({ macs: {} }), spec({ lockAccess: true })), {
    message: /x 1 has no --lock-access/,
  });
  t.notThrows(() => checkSpec('x', '1', control({}), spec({ lockAccess: false })));
});

test('options are told as the words that ask for them', (t) => {
  t.deepEqual(optionWords({}), []);
  t.is(
    optionWords({
      readOnly: true,
      sync: false,
      macs: ['02:00:00:00:00:01', '02:00:00:00:00:02'],
      offset: 0,
      length: 8,
    }).join(' '),
    '--read-only --mac 02:00:00:00:00:01 --mac 02:00:00:00:00:02 --offset 0 --length 8',
  );
  t.deepEqual(optionWords({ lockAccess: false, macs: [] }), ['--no-lock-access']);
});
