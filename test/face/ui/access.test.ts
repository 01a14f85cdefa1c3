/** What initiators have set, in words: never more than is known, and with the way out. */
import test from 'ava';
import { describeAccess, describeLimits } from '../../../src/face/ui/access.js';
import type { ExportAccess } from '../../../src/serve/exports/access.js';

const id = 'e0.1@eth0';
const NOTHING: ExportAccess = {
  configString: '',
  masks: [],
  reservation: [],
  reserved: false,
  locked: false,
};
const A = '02:00:00:00:00:0a';

const CASES: [string, ExportAccess | null, RegExp | undefined][] = [
  ['nothing is known', null, undefined],
  ['nothing is set', NOTHING, undefined],
  ['it is locked alone', { ...NOTHING, locked: true }, undefined],
  ['only that is known', { ...NOTHING, configString: null, masks: null, reservation: null }, undefined],
  ['a string is set', { ...NOTHING, configString: 'mine\u001b[1m' }, /config string "mine\\u001b\[1m"$/],
  [
    'a list is set',
    { ...NOTHING, masks: [A] },
    /MAC mask list 02:00:00:00:00:0a .*access e0\.1@eth0 --clear/,
  ],
  [
    'somebody has reserved it',
    { ...NOTHING, reserved: true, reservation: [A] },
    /reservation for 02:.*--clear/,
  ],
  [
    'nobody knows who has',
    { ...NOTHING, reserved: true, reservation: null },
    /reservation by an initiator.*--clear/,
  ],
];
for (const [what, access, expected] of CASES) {
  test(`13: status, where ${what}`, (t) => {
    const lines = describeLimits({ id, access });
    t.is(lines.length, expected === undefined ? 0 : 1);
    if (expected !== undefined) t.regex(lines[0] ?? '', expected);
    t.false(lines.join().includes('\u001b'));
  });
}

test('13: access tells what is not known rather than that nothing is set', (t) => {
  const place = { id, implementation: 'x', release: '1', macs: [A], locked: false };
  const one = { ...place, access: null, unknown: 'its target does not run' };
  const text = describeAccess({ exports: [one] });
  t.regex(
    text,
    /not locked\n {2}listed initiators: 02:00:00:00:00:0a\n {2}not known: its target does not run$/,
  );
  t.notRegex(text, /none/);
});
