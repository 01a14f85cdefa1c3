import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { testUnless } from './support/machine.js';
import { noSshLab, sshLab } from './support/ssh-lab.js';

testUnless(noSshLab(), 'hosts of a test: each its own files, processes, interfaces and boots', async (t) => {
  const lab = await sshLab(t, ['one', 'two']);
  const ssh = (name: string, command: string): string => {
    const argv = lab.inside(['ssh', '-F', join(lab.folder, 'home', '.ssh', 'config'), name, command]);
    const { stdout, stderr, status } = spawnSync(argv[0] as string, argv.slice(1), { encoding: 'utf8' });
    t.is(status, 0, stderr);
    return stdout.trim();
  };
  t.is(ssh('one', 'hostname; echo kept > /srv/file; cat /sys/class/net/san0/mtu'), 'one\n9000');
  t.is(ssh('two', 'hostname; ls /srv/file 2>/dev/null | wc -l'), 'two\n0');
  t.is(await readFile(join(lab.hosts[0]?.upper ?? '', 'srv/file'), 'utf8'), 'kept\n');
  const before = ssh(
    'one',
    'setsid sleep 1000 > /dev/null 2>&1 & until pgrep -x sleep; do :; done | wc -l; cat /proc/sys/kernel/random/boot_id',
  );
  t.regex(before, /^1\n/);
  await lab.hosts[0]?.crash();
  await lab.hosts[0]?.boot();
  const after = ssh('one', 'pgrep -x sleep | wc -l; cat /proc/sys/kernel/random/boot_id; cat /srv/file');
  t.regex(after, /^0\n.*\nkept$/);
  t.not(after.split('\n')[1], before.split('\n')[1]);
});
