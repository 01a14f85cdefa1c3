import { spawn, spawnSync } from 'node:child_process';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { testUnless } from './support/machine.js';
import { ask, askpass, configure, HOSTNAME, stdout } from './support/ssh-ask.js';
import { noSshLab, sshLab } from './support/ssh-lab.js';

testUnless(
  noSshLab(),
  'hosts by name: ssh’s configuration, an address, a jump host, a program as proxy',
  async (t) => {
    t.timeout(600_000);
    const lab = await sshLab(t, ['one', 'two', 'three']);
    const [one, two, three] = lab.hosts;
    if (one === undefined || two === undefined || three === undefined) return;
    await configure(
      lab,
      [
        `Host hidden\n  HostName ${two.address}\n  User root\n  ProxyJump one`,
        `Host deeper\n  HostName ${three.address}\n  User root\n  ProxyJump one,two`,
        `Host loop\n  HostName ${two.address}\n  ProxyJump loop2`,
        `Host loop2\n  HostName ${two.address}\n  ProxyJump loop`,
        `Host proxied\n  User root\n  HostKeyAlias ${one.address}\n  ProxyCommand ssh -F ${join(lab.folder, 'home', '.ssh', 'config')} -W ${one.address}:22 two`,
      ].join('\n'),
    );
    t.is(stdout((await ask(lab, ['one', HOSTNAME]))[1]), 'one\n');
    t.is(stdout((await ask(lab, [`root@${two.address}:22`, HOSTNAME]))[1]), 'two\n');
    // That it came over the jump host: sshd says where from.
    const [found, peer] = await ask(lab, ['hidden', ['run', ['sh', '-c', 'hostname; echo $SSH_CONNECTION']]]);
    t.is(found?.value, 'hidden');
    t.true(stdout(peer).startsWith(`two\n${one.address} `), stdout(peer));
    const [, far] = await ask(lab, ['deeper', ['run', ['sh', '-c', 'hostname; echo $SSH_CONNECTION']]]);
    t.true(stdout(far).startsWith(`three\n${two.address} `), stdout(far));
    t.is(stdout((await ask(lab, ['proxied', HOSTNAME]))[1]), 'one\n');
    const [loop] = await ask(lab, ['loop']);
    t.is(loop?.kind, 'UsageError');
    t.regex(loop?.message ?? '', /loop jump over loop2 jump over loop/);
    const [nobody] = await ask(lab, ['10.77.9.9']);
    t.is(nobody?.kind, 'UnreachableError');
    const bytes = await ask(lab, ['one', ['write', '/srv/a', 'text'], ['read', '/srv/a'], ['list', '/srv']]);
    t.deepEqual(bytes.slice(1), [
      { value: null },
      { value: Buffer.from('text').toString('base64') },
      { value: ['a'] },
    ]);
    t.is(await readFile(join(one.upper, 'srv/a'), 'utf8'), 'text');
  },
);

testUnless(noSshLab(), 'host keys: unknown, accepted once, hashed, changed', async (t) => {
  t.timeout(600_000);
  const lab = await sshLab(t, ['one', 'two']);
  const [one, two] = lab.hosts;
  if (one === undefined || two === undefined) return;
  const known = join(lab.folder, 'home', '.ssh', 'known_hosts');
  await writeFile(known, '');
  const [unknown] = await ask(lab, ['one', HOSTNAME]);
  t.is(unknown?.kind, 'MissingError');
  t.regex(unknown?.message ?? '', /the host is not known; it shows ssh-ed25519 SHA256:/);
  t.is(await readFile(known, 'utf8'), '');
  t.is(stdout((await ask(lab, ['one', '--accept-new', HOSTNAME]))[1]), 'one\n');
  t.is(await readFile(known, 'utf8'), `${one.address} ${one.hostKey}\n`);
  t.is(stdout((await ask(lab, ['one', HOSTNAME]))[1]), 'one\n');
  spawnSync('ssh-keygen', ['-H', '-f', known]);
  t.false((await readFile(known, 'utf8')).includes(one.address));
  t.is(stdout((await ask(lab, ['one', HOSTNAME]))[1]), 'one\n');
  await appendFile(known, `${two.address} ${one.hostKey}\n`);
  for (const words of [['two'], ['two', '--accept-new']]) {
    const [changed] = await ask(lab, [...words, HOSTNAME]);
    t.is(changed?.kind, 'MissingError');
    t.regex(changed?.message ?? '', /THE HOST KEY HAS CHANGED/);
    t.true(changed?.message?.includes(`${known}:2 knows ssh-ed25519`), changed?.message);
  }
  const rsa = `ssh-rsa ${Buffer.concat([Buffer.from([0, 0, 0, 7]), Buffer.from('ssh-rsa'), Buffer.alloc(20)]).toString('base64')}`;
  await writeFile(known, `${two.address} ${rsa}\n`);
  t.regex((await ask(lab, ['two']))[0]?.message ?? '', /HAS CHANGED.*no key of the types known/s);
  // A host on the way is checked as well.
  await writeFile(known, `${two.address} ${two.hostKey}\n`);
  await configure(lab, `Host hidden\n  HostName ${two.address}\n  User root\n  ProxyJump one`);
  t.regex((await ask(lab, ['hidden']))[0]?.message ?? '', /host key of one: the host is not known/);
});

testUnless(noSshLab(), 'logging in: an agent, a key with passphrase, a password, none of them', async (t) => {
  t.timeout(600_000);
  const lab = await sshLab(t, ['one', 'two'], {
    settings: ['KbdInteractiveAuthentication no', 'MaxAuthTries 20'],
  });
  const [one] = lab.hosts;
  if (one === undefined) return;
  const keys = join(lab.folder, 'keys');
  await mkdir(keys);
  const locked = join(keys, 'locked');
  spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'open sesame', '-f', locked]);
  spawnSync('ssh-keygen', ['-q', '-t', 'rsa', '-N', '', '-f', join(keys, 'rsa')]);
  spawnSync('ssh-keygen', ['-q', '-t', 'ecdsa', '-N', '', '-f', join(keys, 'held')]);
  const authorized = join(one.upper, 'root', '.ssh', 'authorized_keys');
  const own = join(lab.folder, 'home', '.ssh', 'id_ed25519');
  const usable = async (...names: string[]): Promise<void> => {
    const all = await Promise.all(names.map((name) => readFile(`${name}.pub`, 'utf8')));
    await writeFile(authorized, all.join(''));
  };
  await configure(
    lab,
    `Host byrsa\n  HostName ${one.address}\n  User root\n  IdentityFile ${join(keys, 'rsa')}`,
  );
  await usable(join(keys, 'rsa'));
  t.is(stdout((await ask(lab, ['byrsa', HOSTNAME]))[1]), 'one\n');

  await configure(lab, `Host bylocked\n  HostName ${one.address}\n  User root\n  IdentityFile ${locked}`);
  await usable(locked);
  const open = await askpass(lab, 'open sesame');
  t.is(stdout((await ask(lab, ['bylocked', HOSTNAME], open))[1]), 'one\n');
  t.is(await readFile(join(lab.folder, 'questions'), 'utf8'), `Enter passphrase for key '${locked}': \n`);
  // A key that the host does not want is not opened.
  await usable(own);
  t.is(stdout((await ask(lab, ['bylocked', HOSTNAME], open))[1]), 'one\n');
  t.is((await readFile(join(lab.folder, 'questions'), 'utf8')).split('\n').length, 2);

  await usable(join(keys, 'held'));
  const socket = join(lab.folder, 'agent');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.teardown(() => {
    agent.kill();
  });
  await new Promise((resolve) => agent.stdout.once('data', resolve));
  spawnSync('ssh-add', ['-q', join(keys, 'held')], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
  t.is(stdout((await ask(lab, ['one', HOSTNAME], { SSH_AUTH_SOCK: socket }))[1]), 'one\n');
  await configure(lab, `Host only\n  HostName ${one.address}\n  User root\n  IdentitiesOnly yes`);
  t.is((await ask(lab, ['only'], { SSH_AUTH_SOCK: socket }))[0]?.kind, 'MissingError');

  // Not a soul to ask: said which ways were tried.
  const [nobody] = await ask(lab, ['one']);
  t.regex(nobody?.message ?? '', /does not let root in \(tried: keys, no password given\)/);
  const shadow = spawnSync('openssl', ['passwd', '-6', 'right'], { encoding: 'utf8' }).stdout.trim();
  await writeFile(join(one.upper, 'etc', 'shadow'), `root:${shadow}:19000:0:99999:7:::\n`, { mode: 0o600 });
  await one.crash();
  await one.boot();
  t.is(stdout((await ask(lab, ['one', HOSTNAME], await askpass(lab, 'right')))[1]), 'one\n');
  const [wrong] = await ask(lab, ['one'], await askpass(lab, 'wrong'));
  t.is(wrong?.kind, 'MissingError');
  t.is(
    (await readFile(join(lab.folder, 'questions'), 'utf8')).split("root@one's password").length,
    1 + 1 + 3,
  );
  await configure(lab, 'Host *\n  BatchMode yes');
  t.is((await ask(lab, ['one'], await askpass(lab, 'right')))[0]?.kind, 'MissingError');
});
