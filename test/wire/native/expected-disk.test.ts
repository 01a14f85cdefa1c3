/** Whoever starts native, it serves no other disk than the one that was exported, whatever has its name. */
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { type ExpectedDisk, isOtherThan, type Telling } from '../../../src/base/identity.js';
import { identityAt } from '../../../src/wire/native/file-identity.js';
import { makeServed } from '../../../src/wire/native/serve.js';
import { parseSettings } from '../../../src/wire/native/settings.js';
import { temporaryFolder } from '../../base/temporary.js';
import { noRoot, testUnless } from '../../live/support/machine.js';
import { loopOn } from '../../live/support/own-dev.js';

testUnless(
  noRoot(),
  'A1: another disk by the name of the one that was exported is not served, and the right one is',
  async (t) => {
    const folder = await temporaryFolder(t);
    const device = await loopOn(t, join(folder, 'disk'));
    const path = join(folder, 'by-id');
    await symlink(device, path);
    const is = await identityAt(path);
    if (is.kind !== 'device' || is.file === undefined) return t.fail('no loop device');
    const open = (disk: ExpectedDisk) =>
      makeServed({ address: { shelf: 0, slot: 1 }, backing: { path, links: 'any' }, disk });
    const served = await open({ facts: is.facts, file: is.file });
    await served.backing.close();
    const refused = { message: /another disk than the one that was exported/ };
    await t.throwsAsync(open({ facts: is.facts, file: { path: '/other', inode: '1' } }), refused);
    await t.throwsAsync(open({ facts: { wwid: 'A' } }), refused);
  },
);

test('A1: what a disk must be is compared as far as both tell', (t) => {
  const disk = (facts: Record<string, string>): Telling => ({ kind: 'device', block: 'sdb', facts });
  t.false(isOtherThan({ facts: { wwid: 'A' } }, disk({ wwid: 'A', serial: 'B' })));
  t.false(isOtherThan({ facts: { wwid: 'A' } }, disk({ serial: 'B' })));
  t.true(isOtherThan({ facts: { wwid: 'A' } }, disk({ wwid: 'B' })));
  t.true(isOtherThan({ facts: {} }, { kind: 'file', inode: '1', birth: null }));
});

test('what its disk must be is read from the configuration, and what is none is a fault', (t) => {
  const read = (disk: unknown) => {
    const faults: string[] = [];
    const { exports } = parseSettings(
      { exports: [{ shelf: 0, slot: 1, iface: 'e', path: '/a', disk }] },
      faults,
    );
    return { disk: exports[0]?.disk, faults };
  };
  t.deepEqual(read({ facts: { wwid: 'A' } }), { disk: { facts: { wwid: 'A' } }, faults: [] });
  t.deepEqual(read(null), { disk: undefined, faults: [] });
  t.deepEqual(read({ facts: 3 }).faults, ['exports[0].disk: it has to tell facts']);
});
