/** Files of /proc, whose words end with NULs, by whatever grep(1) there is. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { here } from '../../../src/hosts/host/local.js';
import { KILL } from '../../../src/hosts/ssh/run.js';
import { temporaryFolder } from '../../base/temporary.js';
import { testUnless } from '../../live/support/machine.js';

testUnless(
  existsSync('/bin/busybox') ? undefined : 'needs busybox',
  'a command on a host is ended by what its environment bears, also where grep(1) is busybox’s',
  async (t) => {
    const tools = await temporaryFolder(t);
    await symlink('/bin/busybox', join(tools, 'grep'));
    for (const PATH of [process.env.PATH as string, tools]) {
      const begin = (mark: string) => {
        const child = spawn('/bin/sleep', ['60'], { env: { FIRST: '1', AOE_LAB_COMMAND: mark } });
        t.teardown(() => child.kill('SIGKILL'));
        return child;
      };
      const [one, other] = [begin(`${tools} one`), begin(`${tools} other`)];
      const ended = once(one, 'exit');
      await here.run(['/bin/sh', '-c', KILL, 'sh', `AOE_LAB_COMMAND=${tools} one`], { env: { PATH } });
      t.deepEqual(await ended, [null, 'SIGKILL']);
      t.is(other.signalCode, null);
      t.is(other.exitCode, null);
    }
  },
);
