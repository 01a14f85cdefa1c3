import test from 'ava';
import { type DeviceIdentity, isKnownOther, isSame } from '../../../src/serve/storage/identity.js';

function disk(facts: Record<string, string>, part: Partial<DeviceIdentity> = {}): DeviceIdentity {
  return { kind: 'device', bootId: 'one', block: 'sda', size: 512, facts, ...part };
}

const later = { bootId: 'two', block: 'sdb' };

test('A1: a disk is known to be another one by what both tell: serial, WWN, UUID of a partition, file behind it', (t) => {
  const cases: [string, DeviceIdentity, DeviceIdentity, boolean][] = [
    ['serial', disk({ 'device/serial': 'A' }), disk({ 'device/serial': 'B' }, later), true],
    ['the same', disk({ wwid: 'A' }), disk({ wwid: 'A' }, later), false],
    ['another partition', disk({ '../wwid': 'A', start: '1' }), disk({ '../wwid': 'A', start: '2' }), true],
    ['one that tells less', disk({ wwid: 'A' }), disk({ serial: 'B' }, later), false],
    // A zvol or a RAM disk: its number is no more than a number.
    ['nothing tells', disk({}), disk({}, later), false],
    [
      'a volume made anew',
      disk({ 'dm/uuid': 'A', 'dm/name': 'v' }),
      disk({ 'dm/uuid': 'B', 'dm/name': 'v' }),
      true,
    ],
    ['a file behind it', disk({}, { file: { path: '/a', dev: null, inode: null } }), disk({}), true],
  ];
  for (const [what, before, now, isOther] of cases) t.is(isKnownOther(before, now), isOther, what);
  const file = { kind: 'file', bootId: 'one', dev: '8:1', inode: '7', birth: 1 } as const;
  t.true(isKnownOther(disk({}), file));
  t.false(isKnownOther(file, file));
});

test('A1: a volume that was renamed is the same by its UUID', (t) => {
  t.true(isSame(disk({ 'dm/uuid': 'A', 'dm/name': 'v' }), disk({ 'dm/uuid': 'A', 'dm/name': 'w' }, later)));
  t.false(isSame(disk({ 'dm/name': 'v' }), disk({ 'dm/name': 'w' }, later)));
});
