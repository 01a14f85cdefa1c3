import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { packageRoot } from '../../../src/base/files/paths.js';

test('what is behind a loop device is asked only where it is to be something, and one of that no answer comes is detached', (t) => {
  // A device that sysfs knows nothing of.
  const script = `. "$1"; shift
attach_any() { echo /dev/none; }
losetup() { echo "losetup $*"; }
attach "$@"`;
  const attach = (...words: string[]) => {
    const loops = join(packageRoot, 'templates', 'loops.sh');
    const { status, stdout } = spawnSync('sh', ['-c', script, 'sh', loops, 'off', '', '/a', ...words], {
      encoding: 'utf8',
    });
    return [status, stdout];
  };
  t.deepEqual(attach(), [0, '/dev/none\n']);
  t.deepEqual(attach('/a'), [1, 'losetup -d /dev/none\n']);
});
