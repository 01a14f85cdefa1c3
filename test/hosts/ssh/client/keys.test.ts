import { spawnSync } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { gatherKeys } from '../../../../src/hosts/ssh/client/keys.js';
import { temporaryFolder } from '../../../base/temporary.js';

const reason = spawnSync('ssh-keygen', ['-?']).error === undefined ? '' : ' (skipped: needs ssh-keygen)';

(reason === '' ? test : test.skip)(
  `HOSTILE: a key that others may read is not used, and said${reason}`,
  async (t) => {
    const path = join(await temporaryFolder(t), 'key');
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
    const gathered = async (): Promise<{ count: number; told: string[] }> => {
      const told: string[] = [];
      const ignored = (why: string): unknown => told.push(why);
      const agent = await gatherKeys({
        files: [path],
        agent: undefined,
        onlyFiles: false,
        mayAsk: false,
        ignored,
      });
      const keys = await new Promise<unknown[]>((resolve) =>
        agent.getIdentities((_, found = []) => resolve(found)),
      );
      return { count: keys.length, told };
    };
    t.deepEqual(await gathered(), { count: 1, told: [] });
    await chmod(path, 0o640);
    const { count, told } = await gathered();
    t.is(count, 0);
    t.regex(told.join(), /others may read or write it \(chmod 600/);
  },
);
