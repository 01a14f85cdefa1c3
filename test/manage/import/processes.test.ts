/** What a process that is to be imported has open. */
import { constants } from 'node:fs';
import { open, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import { openedBy } from '../../../src/manage/import/processes.js';
import { temporaryFolder } from '../../base/temporary.js';

const O_PATH = 0o10000000;

test('hostile: a file that is only named by a descriptor is not open, and its flags tell what may be written', async (t) => {
  const folder = await temporaryFolder(t);
  const identity = async (name: string, flags: number): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, '');
    const file = await open(path, flags);
    t.teardown(() => file.close());
    const { dev, ino } = await stat(path);
    return `${dev}:${ino}`;
  };
  const [named, read, written] = await Promise.all([
    identity('named', O_PATH),
    identity('read', constants.O_RDONLY),
    identity('written', constants.O_RDWR | constants.O_SYNC),
  ]);
  const opened = await openedBy(here, String(process.pid));
  t.deepEqual(
    [named, read, written].map((one) => opened.get(one)),
    [undefined, 'read', 'write'],
  );
});
