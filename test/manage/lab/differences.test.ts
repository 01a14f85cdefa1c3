/** A lab that says nothing of locks leaves them as they were made, or as `access` left them; one that does is kept to. */
import test from 'ava';
import { differences } from '../../../src/manage/lab/differences.js';
import type { LabExport } from '../../../src/manage/lab/lab.js';
import { statusOf } from './model.js';

const macs = ['02:00:00:00:00:01'];
const CASES: [boolean | undefined, boolean | undefined, boolean][] = [
  [undefined, undefined, false],
  [undefined, true, false],
  [undefined, false, false],
  [true, true, false],
  [true, undefined, true],
  [true, false, true],
  [false, true, true],
  [false, undefined, false],
];
for (const [shall, is, differs] of CASES) {
  test(`13: lockAccess: ${shall} in the lab, ${is} on the host ${differs ? 'differ' : 'agree'}`, (t) => {
    const one: LabExport = {
      host: 'a',
      address: { shelf: 0, slot: 1 },
      implementation: 'native',
      release: '1',
      iface: 'eth0',
      file: '/srv/a',
      options: { macs, ...(shall === undefined ? {} : { lockAccess: shall }) },
    };
    const status = statusOf('lab', {
      ...one,
      options: { macs, ...(is === undefined ? {} : { lockAccess: is }) },
    });
    const expected = differs ? [{ field: 'options.lockAccess', is: is || null, shall: shall || null }] : [];
    t.deepEqual(differences(one, status), expected);
  });
}
