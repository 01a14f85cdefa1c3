import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { here } from '../../src/hosts/host/local.js';
import { testUnless } from './support/machine.js';
import { addUser, ask, askpass, configure, installSudo, noSudo, stdout } from './support/ssh-ask.js';
import { type LabHost, noSshLab, type SshLab, sshLab } from './support/ssh-lab.js';

const reason = noSshLab() ?? (await noSudo());

/** A host where `op` may do what the rules say; by the name `as-op`. */
async function withRules(t: ExecutionContext, rules: string): Promise<{ lab: SshLab; one: LabHost }> {
  const lab = await sshLab(t, ['one']);
  const [one] = lab.hosts;
  if (one === undefined) throw new Error('no host');
  await one.crash();
  await addUser(lab, one, 'op', 'right');
  await installSudo(one, rules);
  await one.boot();
  await configure(lab, `Host as-op\n  HostName ${one.address}\n  User op\n`);
  return { lab, one };
}

testUnless(reason, 'sudo without a password: commands, files, locks and their ends are root’s', async (t) => {
  t.timeout(600_000);
  const { lab, one } = await withRules(t, 'op ALL=(ALL) NOPASSWD: ALL');
  const local = join(lab.folder, 'local');
  await writeFile(local, Buffer.alloc(300_000, 'x'));
  const [, id, facts, , , written, , mark, got, late, left] = await ask(lab, [
    'as-op',
    ['run', ['sh', '-c', 'id -u; cat; pwd'], { input: 'in\n', cwd: '/root' }],
    ['facts'],
    ['write', '/root/secret', 'text', 0o600],
    ['put', local, '/root/put'],
    ['read', '/root/secret'],
    ['lock', '/root/lock', 1000],
    ['run', ['stat', '-c', '%U %a', '/root/secret', '/root/put']],
    ['get', '/root/put', join(lab.folder, 'back')],
    ['run', ['sleep', '4321'], { timeout: 500 }],
    ['run', ['sh', '-c', 'pgrep -x sleep; true']],
  ]);
  t.is(stdout(id), '0\nin\n/root\n');
  t.like(facts?.value, { uid: 0 });
  t.is(written?.value, Buffer.from('text').toString('base64'));
  t.is(stdout(mark), 'root 600\nroot 644\n');
  t.is(got?.value, null);
  t.is((await stat(join(lab.folder, 'back'))).size, 300_000);
  t.regex(late?.message ?? '', /time limit/);
  t.is(stdout(left), '');
  t.is(await readFile(join(one.upper, 'root', 'secret'), 'utf8'), 'text');
});

testUnless(reason, 'sudo with a password: asked once, fed to each command, nothing left of it', async (t) => {
  t.timeout(600_000);
  // The last step is let pass without: the password of the others must not be its input.
  const { lab } = await withRules(
    t,
    'op ALL=(ALL) ALL\nop ALL=(ALL) NOPASSWD: /bin/sh -c *unasked*, /usr/bin/sh -c *unasked*',
  );
  const steps = [
    ['run', ['sh', '-c', 'id -u; cat'], { input: 'in\n' }],
    ['run', ['cat'], { input: `${'long '.repeat(20_000)}\n` }],
    ['run', ['cat']],
    ['write', '/root/secret', 'text', 0o600],
    ['run', ['sh', '-c', 'cat; : unasked'], { input: 'in\n' }],
  ];
  const [, first, second, third, fourth, unasked] = await ask(
    lab,
    ['as-op', ...steps],
    await askpass(lab, 'right'),
  );
  t.is(stdout(first), '0\nin\n');
  t.is(stdout(second), `${'long '.repeat(20_000)}\n`);
  t.is(stdout(third), '');
  t.is(fourth?.value, null);
  t.is(stdout(unasked), 'in\n');
  t.is(await readFile(join(lab.folder, 'questions'), 'utf8'), '[sudo] password for op on as-op: \n');
  const [wrong] = await ask(lab, ['as-op'], await askpass(lab, 'wrong'));
  t.is(wrong?.kind, 'MissingError');
  t.is(wrong?.facts?.happened, 'the password is wrong');
  const [nobody] = await ask(lab, ['as-op']);
  t.regex(nobody?.message ?? '', /sudo asks for a password and nobody gave one/);
});

testUnless(reason, 'sudo refused, and none there', async (t) => {
  t.timeout(600_000);
  const { lab, one } = await withRules(t, 'root ALL=(ALL) ALL');
  const [refused] = await ask(lab, ['as-op'], await askpass(lab, 'right'));
  t.is(refused?.kind, 'MissingError');
  t.regex(refused?.message ?? '', /op is not in the sudoers file/);
  await one.crash();
  await here.remove(join(one.upper, 'usr', 'bin', 'sudo'));
  await one.boot();
  t.regex((await ask(lab, ['as-op']))[0]?.message ?? '', /there is no sudo/);
});

testUnless(
  noSshLab(),
  'a connection that is cut: what only looks is asked again, all else says so',
  async (t) => {
    t.timeout(600_000);
    const lab = await sshLab(t, ['one']);
    const [one] = lab.hosts;
    if (one === undefined) return;
    const SPOT = ['run', ['sh', '-c', 'mkfifo /srv/pipe']];
    await ask(lab, ['one', SPOT]);
    const reading = ask(lab, ['one', ['read', '/srv/pipe']]);
    const running = ask(lab, [
      'one',
      ['run', ['sh', '-c', ': > /srv/began; sleep 1000']],
      ['run', ['echo', 'again']],
    ]);
    const isBlocked = ['run', ['sh', '-c', 'until [ -e /srv/began ] && pgrep -x cat; do sleep 0.1; done']];
    await ask(lab, ['one', isBlocked]);
    // The orphan would take what is meant for the second reader.
    const cut = ['run', ['sh', '-c', 'old=$(pgrep -x cat); pkill -KILL -f "[s]shd: root"; kill -9 $old']];
    t.is((await ask(lab, ['one', cut]))[1]?.kind, 'ConnectionLostError');
    const feed = ['run', ['sh', '-c', 'until pgrep -x cat; do sleep 0.1; done; printf kept > /srv/pipe']];
    await ask(lab, ['one', feed]);
    const [, read] = await reading;
    t.is(read?.value, Buffer.from('kept').toString('base64'), read?.message);
    const [, broken, again] = await running;
    t.is(broken?.kind, 'ConnectionLostError');
    t.regex(String(broken?.facts?.next), /may have been carried out or not/);
    t.is(stdout(again), 'again\n');
  },
);

testUnless(
  noSshLab(),
  'a host that loses its power: the command says that it may have been carried out',
  async (t) => {
    t.timeout(600_000);
    const lab = await sshLab(t, ['one']);
    const [one] = lab.hosts;
    if (one === undefined) return;
    const marked = join(one.upper, 'srv', 'began');
    const running = ask(lab, [
      'one',
      ['run', ['sh', '-c', ': > /srv/began; sleep 1000']],
      ['read', '/srv/began'],
    ]);
    for (let tries = 0; tries < 1000 && (await here.stat(marked)) === undefined; tries++) await sleep(100);
    await one.crash();
    const [, broken, gone] = await running;
    t.is(broken?.kind, 'ConnectionLostError');
    t.is(gone?.kind, 'UnreachableError');
    await one.boot();
    t.is((await ask(lab, ['one', ['read', '/srv/began']]))[1]?.value, '');
  },
);

/** A host whose sshd offers no SFTP any more. */
async function withoutSftp(host: LabHost): Promise<void> {
  const path = join(host.upper, 'etc', 'ssh', 'sshd_config');
  await host.crash();
  await writeFile(path, (await readFile(path, 'utf8')).replace(/^Subsystem .*$/m, ''));
  await host.boot();
}

testUnless(
  noSshLab(),
  'a full disk and a folder that can not be written to: told as they are, by SFTP and by the shell',
  async (t) => {
    t.timeout(600_000);
    const lab = await sshLab(t, ['one', 'two']);
    await withoutSftp(lab.hosts[1] as LabHost);
    const local = join(lab.folder, 'large');
    await writeFile(local, Buffer.alloc(3 << 20, 'x'));
    const small = 'mkdir /small /sealed; mount -t tmpfs -o size=1m t /small; mount -t tmpfs -o ro t /sealed';
    for (const { name } of lab.hosts) {
      const results = await ask(lab, [
        name,
        ['run', ['sh', '-c', small]],
        ['put', local, '/small/large'],
        ['list', '/small'],
        ['run', ['sh', '-c', 'cat /dev/zero > /small/fill; true']],
        ['put', local, '/small/none/at/all'],
        ['write', '/small/more', 'x'.repeat(10_000)],
        ['list', '/small'],
        ['remove', '/small/fill'],
        ['write', '/small/fits', 'text'],
        ['put', local, '/sealed/large'],
        ['write', '/sealed/file', 'x'],
        ['put', local, '/dev/null/large'],
        ['put', local, '/srv/large'],
      ]);
      const [, , put, empty, , none, write, left, , fits, sealed, file, odd, fine] = results;
      for (const full of [put, none, write]) t.regex(full?.message ?? '', /No space left on device/);
      t.deepEqual(empty?.value, []);
      // Folders on the way to it stay.
      t.deepEqual(left?.value, ['fill', 'none']);
      t.is(fits?.value, null);
      for (const readOnly of [sealed, file]) t.regex(readOnly?.message ?? '', /Read-only file system/);
      t.is(odd?.kind, 'CommandError');
      t.is(fine?.value, null);
    }
  },
);

testUnless(
  noSshLab(),
  'a user without sudo: files by SFTP and by the shell, as far as the rights go',
  async (t) => {
    t.timeout(600_000);
    const lab = await sshLab(t, ['one', 'two']);
    for (const host of lab.hosts) {
      await host.crash();
      await addUser(lab, host, 'op', 'right');
      await here.run(['chown', '-R', '1500:1500', join(host.upper, 'home', 'op')]);
      await writeFile(join(host.upper, 'root', 'secret'), 'x', { mode: 0o600 });
      await host.boot();
    }
    await withoutSftp(lab.hosts[1] as LabHost);
    const local = join(lab.folder, 'local');
    await writeFile(local, Buffer.alloc(300_000, 'x'));
    for (const { name, address, upper } of lab.hosts) {
      const [found, put, got, secret, root, left] = await ask(lab, [
        `op@${address}`,
        '--no-sudo',
        ['put', local, '/home/op/new/put'],
        ['get', '/home/op/new/put', join(lab.folder, `back-${name}`)],
        ['get', '/etc/shadow', join(lab.folder, 'shadow')],
        ['put', local, '/root/put'],
        ['run', ['ls', '-A', '/home/op/new']],
      ]);
      t.is(found?.message, undefined);
      t.is(put?.value, null, put?.message);
      t.is(got?.value, null, got?.message);
      t.is((await stat(join(lab.folder, `back-${name}`))).size, 300_000);
      for (const refused of [secret, root]) t.regex(refused?.message ?? '', /Permission denied/);
      t.is(stdout(left), 'put\n');
      t.is((await stat(join(upper, 'home', 'op', 'new', 'put'))).uid, 1500);
    }
  },
);
