import { chmod, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import { makeStateCommand } from '../../../src/serve/exports/entry.js';
import { temporaryFolder } from '../../base/temporary.js';

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o7777;

test('HOSTILE 9: a state folder is closed to others, one of an earlier version too, and nothing else is', async (t) => {
  const folder = await temporaryFolder(t);
  const fresh = join(folder, 'fresh');
  await here.run(['sh', '-c', 'umask 0; exec "$@"', 'sh', ...makeStateCommand(fresh)]);
  t.is(await modeOf(fresh), 0o700);
  for (const [name, mode, now] of [
    ['earlier', 0o755, 0o700],
    ['sticky', 0o1777, 0o1777],
  ] as const) {
    await mkdir(join(folder, name, 'exports'), { recursive: true });
    await chmod(join(folder, name), mode);
    await here.run(makeStateCommand(join(folder, name)));
    t.is(await modeOf(join(folder, name)), now, name);
  }
  const others = join(folder, 'others');
  await mkdir(others);
  await chmod(others, 0o755);
  await here.run(makeStateCommand(others));
  t.is(await modeOf(others), 0o755);
});
