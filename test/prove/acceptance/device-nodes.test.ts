/** Device nodes of the client where nothing makes them: a mount namespace whose /dev and sysfs are the test's own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import { MissingError } from '../../../src/base/errors.js';
import type { Host } from '../../../src/hosts/host/host.js';
import { here } from '../../../src/hosts/host/local.js';
import { makeNodes, removeNodes } from '../../../src/prove/acceptance/device-nodes.js';
import { noRoot, testUnless } from '../../live/support/machine.js';

const SET_UP = `set -e
mount -t tmpfs none /dev
mknod /dev/null c 1 3
for one in /sys/class /sys/block; do mount -t tmpfs none "$one"; done
for one in discover:3 flush:6; do
  mkdir -p "/sys/class/aoe/\${one%:*}"
  echo "152:\${one#*:}" > "/sys/class/aoe/\${one%:*}/dev"
done
mkdir '/sys/block/etherd!e0.1'
echo 152:16 > '/sys/block/etherd!e0.1/dev'
mkdir /dev/etherd
mknod /dev/etherd/flush c 152 6
echo ready
exec sleep infinity`;

async function clientWithStaticDev(t: ExecutionContext): Promise<Pick<Host, 'run' | 'name'>> {
  const child = spawn('unshare', ['--mount', 'sh', '-c', SET_UP], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const enter = ['nsenter', '--target', String(child.pid), '--mount', '--'];
  return { name: 'client', run: (argv, options) => here.run([...enter, ...argv], options) };
}

const SHOW = 'for one in /dev/etherd/*; do stat -c "%n %F %t:%T" "$one"; done';

testUnless(noRoot(), 'C11: nodes that a static /dev lacks are made, and taken away', async (t) => {
  const client = await clientWithStaticDev(t);
  const nodes = async (): Promise<string[]> =>
    (await client.run(['sh', '-c', SHOW])).stdout.trim().split('\n').sort();
  await makeNodes(client);
  const all = [
    '/dev/etherd/discover character special file 98:3',
    '/dev/etherd/e0.1 block special file 98:10',
    '/dev/etherd/flush character special file 98:6',
  ];
  t.deepEqual(await nodes(), all);
  await makeNodes(client);
  t.deepEqual(await nodes(), all);
  await removeNodes(client);
  t.deepEqual(await nodes(), [all[2]], 'the one that was there stays');
});

testUnless(noRoot(), 'C11: a client whose nodes can not be made is named', async (t) => {
  const client = await clientWithStaticDev(t);
  await client.run(['mount', '-o', 'remount,ro', '/dev']);
  const error = await t.throwsAsync(makeNodes(client), { instanceOf: MissingError });
  t.is(error?.exitCode, 3);
  t.regex(
    error?.message ?? '',
    /on client, the client: \/dev\/etherd\/discover, \/dev\/etherd\/e0\.1 can not/,
  );
});
