/** The script that starts and ends a target at boot: whose processes count for its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pollUntilTrue } from '../../../../src/base/poll.js';
import { here } from '../../../../src/hosts/host/local.js';
import { StateFolder } from '../../../../src/serve/exports/entry.js';
import { renderPersistence } from '../../../../src/serve/exports/persist/render.js';
import { findProcesses, RUN_MARK } from '../../../../src/serve/exports/processes.js';
import { temporaryFolder } from '../../../base/temporary.js';
import { noRoot, testUnless } from '../../../live/support/machine.js';
import { entryOf } from '../entries.js';

const BUSYBOX = '/bin/busybox';
const TOOLS = ['date', 'env', 'grep', 'id', 'mkdir', 'setsid', 'sh', 'sleep'];

for (const shell of ['sh', 'busybox']) {
  testUnless(
    noRoot() ?? (shell === 'busybox' && !existsSync(BUSYBOX) ? 'needs busybox' : undefined),
    `HOSTILE 9: ${shell}: to the script of a boot a process of another user that bears the mark is none of its own`,
    async (t) => {
      const folder = await temporaryFolder(t);
      const state = new StateFolder(join(folder, 'state'));
      const { control, ...entry } = entryOf({ persist: true });
      const target = { ...entry, control: { ...control, run: ['sleep', '60'] } };
      const { files } = renderPersistence(state, [target], { manager: 'scripts' });
      const script = files.find(({ text }) => text.includes(`${RUN_MARK}=`));
      const mark = /^AOE_LAB_RUN=(\S+)$/m.exec(script?.text ?? '')?.[1] as string;
      const path = script?.path as string;
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, script?.text ?? '');
      const env = { PATH: process.env.PATH ?? '' };
      if (shell === 'busybox') {
        env.PATH = join(folder, 'bin');
        await mkdir(env.PATH);
        for (const tool of TOOLS) await symlink(BUSYBOX, join(env.PATH, tool));
      }
      const call = (verb: string) => spawnSync('sh', [path, verb], { encoding: 'utf8', env });
      const own = async (): Promise<number[]> => (await findProcesses(here, state.folder)).get(mark) ?? [];

      const begun = await Promise.all(
        // As a program with the setuid bit is run: the real user is another one.
        [
          ['--reuid', '12345', '--regid', '12345', '--clear-groups'],
          ['--ruid', '12345'],
        ].map(async (as) => {
          const child: ChildProcess = spawn('setpriv', [...as, 'sh', '-c', 'echo here; exec sleep 60'], {
            env: { PATH: process.env.PATH, [RUN_MARK]: mark },
            stdio: ['ignore', 'pipe', 'ignore'],
          });
          t.teardown(() => child.kill('SIGKILL'));
          await once(child.stdout as NodeJS.ReadableStream, 'data');
          return child;
        }),
      );

      t.teardown(() => call('stop'));
      const started = call('start');
      t.is(started.status, 0, started.stderr);
      const isThere = await pollUntilTrue(async () => (await own()).length === 2, {
        every: 50,
        patience: 20_000,
      });
      t.true(isThere, 'its supervisor and its process, although those are there');
      const before = await own();
      t.is(call('start').status, 0);
      t.deepEqual(await own(), before, 'its own keep it from being started twice');
      const stopped = call('stop');
      t.is(stopped.status, 0, stopped.stderr);
      t.deepEqual(await own(), []);
      for (const { exitCode, signalCode } of begun) t.deepEqual([exitCode, signalCode], [null, null]);
    },
  );
}
