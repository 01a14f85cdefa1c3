import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { chmod, chown, lchown, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { UsageError } from '../../../../src/base/errors.js';
import { parseDestination } from '../../../../src/hosts/ssh/client/address.js';
import { matchesPatterns } from '../../../../src/hosts/ssh/client/patterns.js';
import { type Given, resolveHost } from '../../../../src/hosts/ssh/client/resolve.js';

const home = await mkdtemp(join(tmpdir(), 'aoe-lab-sshconfig-'));
process.env.HOME = home;
delete process.env.SSH_AUTH_SOCK;
test.after.always(() => rm(home, { recursive: true, force: true }));

async function file(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(home, path)), { recursive: true });
  await writeFile(join(home, path), text, { mode: 0o600 });
}

const CONFIG = `
user = before
Include conf.d/*.conf
Host storage?  !storage9
  HostName %h.lan
  Port 2201
  IdentityFile ~/.ssh/id_%r_%h
  IdentityFile "~/.ssh/second key"
  Include inner
host far
  HOSTNAME 10.0.0.9
  ProxyJump admin@gate:2222,storage1
  UserKnownHostsFile ~/.ssh/a "/tmp/b c"
  HostKeyAlias far-alias
  StrictHostKeyChecking accept-new
Match originalhost matched,also host=matched user "before"
  Port 2300
Match !originalhost far,storage1 localuser ${userInfo().username}
  ConnectTimeout 7
Match exec "test %n = byexec"
  Port 2400
Host proxied
  ProxyCommand nc -X 5 %h %p
  BatchMode yes
  IdentitiesOnly yes
  IdentityAgent none
Host written
  ProxyCommand nsenter --net=/proc/1/ns/net sh -c "nc -X=5 '%h'  %p"
Host *
  ServerAliveInterval 30
  Port 2999
  IdentityFile ~/.ssh/last
  User after
`;

test.before(async () => {
  await file('key', '');
  await file('.ssh/config', CONFIG);
  await file('.ssh/conf.d/1.conf', 'Host included\n  Port 2500\nHost *\n  AddressFamily inet\n');
  await file('.ssh/conf.d/2.off', 'Host included\n  Port 1\n');
  await file('.ssh/inner', 'ConnectTimeout 9\nHost storage2\n  User inner\n');
});

test.serial('settings are those that ssh itself takes', async (t) => {
  const hasSsh = spawnSync('ssh', ['-V']).error === undefined;
  if (!hasSsh) t.log('no ssh: compared with nothing');
  const cases: [string, Given][] = [
    ['storage1', {}],
    ['storage2', {}],
    ['storage9', {}],
    ['far', {}],
    ['matched', {}],
    ['also', {}],
    ['byexec', {}],
    ['proxied', {}],
    ['written', {}],
    ['included', {}],
    ['stranger', {}],
    ['me@storage1', { port: 99, identity: join(home, 'key'), jump: 'none' }],
  ];
  for (const [name, given] of cases) {
    const ours = await resolveHost(name, given);
    t.truthy(ours.host, name);
    if (!hasSsh) continue;
    const options = [
      ...(given.port === undefined ? [] : ['-p', String(given.port)]),
      ...(given.identity === undefined ? [] : ['-i', given.identity]),
      ...(given.jump === undefined ? [] : ['-J', given.jump]),
    ];
    // OpenSSH takes the home folder from the user database.
    const argv = ['-F', join(home, '.ssh', 'config'), '-G', ...options, name];
    const { stdout, stderr, status } = spawnSync('ssh', argv, { encoding: 'utf8' });
    t.is(status, 0, stderr);
    const theirs = new Map<string, string[]>();
    for (const line of stdout.split('\n')) {
      const [key = '', ...words] = line.split(' ');
      theirs.set(key, [...(theirs.get(key) ?? []), words.join(' ')]);
    }
    const one = (key: string): string | undefined => theirs.get(key)?.[0];
    t.is(ours.host, one('hostname') ?? '', name);
    t.is(ours.user, one('user') ?? '', name);
    t.is(String(ours.port), one('port') ?? '', name);
    t.is(ours.jumps.join(','), one('proxyjump') ?? '', name);
    t.is(ours.proxyCommand?.split(' ')[0], one('proxycommand')?.split(' ')[0], name);
    t.is(ours.keys.onlyFiles, one('identitiesonly') === 'yes', name);
    t.is(String(ours.keepalive / 1000), one('serveraliveinterval') ?? '', name);
    t.is(String(ours.connectTimeout / 1000).replace(/^20$/, 'none'), one('connecttimeout') ?? '', name);
    t.is(ours.mayAsk, one('batchmode') !== 'yes', name);
    t.is(ours.family, one('addressfamily') === 'inet' ? 4 : 0, name);
    const files = (theirs.get('identityfile') ?? []).map((path) =>
      path.replace('~', home).replaceAll('%r', ours.user).replaceAll('%h', ours.host),
    );
    t.deepEqual(ours.keys.files, files, name);
  }
});

test.serial('what is not in `ssh -G`: aliases, several files, tokens, agents', async (t) => {
  const far = await resolveHost('far');
  t.deepEqual(far.hostKey, {
    host: 'far-alias',
    isAlias: true,
    userFiles: [join(home, '.ssh', 'a'), '/tmp/b c'],
    globalFiles: ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'],
    acceptNew: true,
  });
  t.is((await resolveHost('proxied')).proxyCommand, 'nc -X 5 proxied 2999');
  const written = `nsenter --net=/proc/1/ns/net sh -c "nc -X=5 'written'  2999"`;
  t.is((await resolveHost('written')).proxyCommand, written);
  t.is((await resolveHost('proxied')).keys.agent, undefined);
  process.env.SSH_AUTH_SOCK = '/run/agent';
  t.is((await resolveHost('far')).keys.agent, '/run/agent');
  t.is((await resolveHost('proxied')).keys.agent, undefined);
  delete process.env.SSH_AUTH_SOCK;
});

test.serial('configurations that are refused', async (t) => {
  const refused = async (text: string, message: RegExp): Promise<void> => {
    await file('.ssh/config', text);
    await t.throwsAsync(resolveHost('x'), { instanceOf: UsageError, message });
  };
  await refused('Host x\n  Port none\n', /Port none/);
  await refused('Match tagged x\n  Port 1\n', /asks for "tagged"/);
  await refused('Host "x\n', /no configuration of ssh's/);
  await refused('Host x\n  IdentityFile ~/%q\n', /does not know %q/);
  await refused('Host x\n  ProxyCommand p %h\n  ProxyUseFdpass yes\n', /ProxyUseFdpass/);
  await refused('Include config\n', /too deeply/);
  await file('.ssh/config', 'Host x\n');
  await chmod(join(home, '.ssh', 'config'), 0o666);
  const writable = await t.throwsAsync<UsageError>(resolveHost('x'), { message: /others may write/ });
  t.regex(String(writable.facts.next), /^chmod go-w /);
  await rm(join(home, '.ssh', 'config'));
  spawnSync('mkfifo', ['-m', '600', join(home, '.ssh', 'config')]);
  const pipe = await t.throwsAsync<UsageError>(resolveHost('x'), { message: /it is a pipe/ });
  t.is(pipe.facts.next, undefined);
  await rm(join(home, '.ssh', 'config'));
  t.is((await resolveHost('x')).host, 'x');
});

test.serial(
  'hostile: what is judged of a configuration is what was read, although it is exchanged meanwhile',
  async (t) => {
    await file('.ssh/config', 'Host x\n  HostName theirs\n');
    await chmod(join(home, '.ssh', 'config'), 0o666);
    await file('.ssh/good', 'Host x\n  HostName ours\n');
    const { open, readFile } = fs.promises;
    const exchanging =
      (real: (...args: never[]) => Promise<unknown>) =>
      async (...args: never[]): Promise<unknown> => {
        const result = await real.apply(fs.promises, args);
        if (String(args[0]).endsWith('/config')) {
          await rename(join(home, '.ssh', 'good'), join(home, '.ssh', 'config')).catch(() => {});
        }
        return result;
      };
    Object.assign(fs.promises, { open: exchanging(open), readFile: exchanging(readFile) });
    syncBuiltinESMExports();
    try {
      await t.throwsAsync(resolveHost('x'), { message: /others may write/ });
    } finally {
      Object.assign(fs.promises, { open, readFile });
      syncBuiltinESMExports();
    }
    t.is((await resolveHost('x')).host, 'ours');
    await rm(join(home, '.ssh', 'config'));
  },
);

const asRoot = process.getuid?.() === 0 ? test.serial : test.skip;
asRoot(
  'HOSTILE: A11, A14: root obeys no configuration of ssh that another user may have laid out',
  async (t) => {
    const text = 'Host x\n  HostName theirs.example\n  UserKnownHostsFile ~/hosts\n';
    await file('.ssh/config', text);
    t.is((await resolveHost('x')).host, 'theirs.example');
    // By the system's word for where root's home is, as ssh has it.
    await chown(home, 1000, 1000);
    const elsewhere = await resolveHost('x');
    t.not(elsewhere.host, 'theirs.example');
    t.true(elsewhere.hostKey.userFiles.every((path) => path.startsWith(join(userInfo().homedir, '.ssh'))));
    await chown(home, 0, 0);
    const ssh = join(home, '.ssh');
    await chown(ssh, 1000, 1000);
    const exchanged = {
      instanceOf: UsageError,
      message: /user 1000 may exchange it: .*ssh is not root's alone/,
    };
    await t.throwsAsync(resolveHost('x'), exchanged);
    await rm(join(ssh, 'config'));
    await file('roots', text);
    await symlink('../roots', join(ssh, 'config'));
    await lchown(join(ssh, 'config'), 1000, 1000);
    await t.throwsAsync(resolveHost('x'), { message: /config is a link, and user 1000 may write to/ });
    await chown(ssh, 0, 0);
    // What the user links himself, to keep such files elsewhere.
    await lchown(join(ssh, 'config'), 0, 0);
    t.is((await resolveHost('x')).host, 'theirs.example');
    await rm(join(ssh, 'config'));
  },
);

test('destinations', (t) => {
  const table: [string, string, string | undefined, number | undefined][] = [
    ['host', 'host', undefined, undefined],
    ['me@host:22', 'host', 'me', 22],
    ['a@b@host', 'host', 'a@b', undefined],
    ['10.0.0.1:2222', '10.0.0.1', undefined, 2222],
    ['::1', '::1', undefined, undefined],
    ['root@[fe80::1%eth0]:2222', 'fe80::1%eth0', 'root', 2222],
    ['[::1]', '::1', undefined, undefined],
    ['ssh://me@host:33', 'host', 'me', 33],
  ];
  for (const [text, host, user, port] of table)
    t.deepEqual(parseDestination(text), { host, user, port }, text);
  for (const text of [
    '',
    '-oProxyCommand=x',
    'a b',
    'host:0',
    'host:70000',
    'me@',
    '-u@host',
    '[x',
    'host:',
  ]) {
    t.throws(() => parseDestination(text), { instanceOf: UsageError }, text);
  }
});

test.serial(
  'names that a shell or a terminal would obey are refused wherever they come from, as OpenSSH does',
  async (t) => {
    const hosts = [
      '$(touch x)',
      '`x`',
      'a;b',
      'a|b',
      'a&b',
      "a'b",
      'a"b',
      'a\\b',
      'a<b',
      '{a}',
      '-x',
      'a\x1b[31m',
      'a\u009b',
    ];
    for (const host of hosts) {
      t.throws(() => parseDestination(host), { instanceOf: UsageError }, host);
      t.throws(() => parseDestination(`me@${host}`), { instanceOf: UsageError }, host);
    }
    for (const user of ['$(x)', '$HOME', 'a;b', '`x`', '-x', 'a\\', 'a\x1b', 'a b']) {
      t.throws(() => parseDestination(`${user}@host`), { instanceOf: UsageError }, user);
      await t.throwsAsync(resolveHost('host', { user }), { instanceOf: UsageError }, user);
    }
    for (const user of ['DOMAIN\\user', 'machine$', 'a.b-c_d+e', 'a@b'])
      t.is(parseDestination(`${user}@host`).user, user);
    await t.throwsAsync(resolveHost('host', { jump: 'ok,-x' }), { instanceOf: UsageError });
    await file(
      '.ssh/config',
      'Host x\n  HostName $(touch pwned)\nHost y\n  User `touch pwned`\nHost z\n  ProxyJump ;touch\n',
    );
    for (const name of ['x', 'y', 'z'])
      await t.throwsAsync(resolveHost(name), { instanceOf: UsageError }, name);
    await rm(join(home, '.ssh', 'config'));
  },
);

test('patterns', (t) => {
  const table: [string, string[], boolean][] = [
    ['abc', ['a*c'], true],
    ['abc', ['a?c', '!abc'], false],
    ['abc', ['!abc', '*'], false],
    ['abc', ['!x'], false],
    ['ABC', ['abc'], true],
    ['aXbXc', ['*X*c'], true],
    ['abc', ['ab'], false],
    ['', ['*'], true],
  ];
  for (const [name, patterns, expected] of table)
    t.is(matchesPatterns(name, patterns), expected, String(patterns));
  t.false(matchesPatterns('a'.repeat(5000), [`${'a*'.repeat(500)}b`]));
});
