/** What looks for a disk before each start of its target, whoever starts it. */
import { spawnSync } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import { diskCommand } from '../../../src/serve/exports/disk-link.js';
import { deviceIdentity } from '../../../src/serve/storage/identity.js';
import { blockOf } from '../../../src/serve/storage/snapshot.js';
import { surveyStorage } from '../../../src/serve/storage/survey.js';
import { temporaryFolder } from '../../base/temporary.js';
import { noRoot, testUnless } from '../../live/support/machine.js';
import { loopOn } from '../../live/support/own-dev.js';
import { backingOf, entryOf } from './entries.js';

testUnless(
  noRoot(),
  'A1: a name that stays is not started where another disk has it, and is where it is away or nothing tells',
  async (t) => {
    const folder = await temporaryFolder(t);
    const device = await loopOn(t, join(folder, 'disk'));
    const name = join(folder, 'by-id');
    await symlink(device, name);
    const snapshot = await surveyStorage(here, [name], 'names');
    const block = blockOf(snapshot, snapshot.names.get(name)?.node);
    if (block === undefined) return t.fail('no such device');
    const is = deviceIdentity(snapshot, block);
    const start = (identity: typeof is, opens = name) => {
      const backing = backingOf({ kind: 'device', path: device, name: opens, opens, identity });
      const [program = 'false', ...words] = diskCommand(entryOf({ backing })) ?? ['true'];
      const { status, stderr } = spawnSync(program, words, { encoding: 'utf8' });
      return { status, stderr };
    };
    t.deepEqual(start(is), { status: 0, stderr: '' });
    const other = start({ ...is, file: { path: join(folder, 'other'), dev: null, inode: null } });
    t.is(other.status, 1);
    t.regex(other.stderr, /by-id is not served: it is another disk than the one that was exported/);
    // The kernel tells no serial number of it any more; it is away.
    t.is(start({ ...is, facts: { serial: 'T1' } }).status, 0);
    t.is(start({ ...is, facts: { serial: 'T1' } }, join(folder, 'away')).status, 0);
  },
);

test('A1: of a disk that nothing tells from others nothing is looked at', (t) => {
  const identity = { kind: 'device', bootId: '', block: 'zd0', size: 512, facts: {} } as const;
  const backing = backingOf({
    kind: 'device',
    path: '/dev/zd0',
    name: '/dev/zvol/p/v',
    opens: '/dev/zvol/p/v',
    identity,
  });
  t.is(diskCommand(entryOf({ backing })), undefined);
});
