import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, lchown, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { MissingError, UsageError } from '../../../../src/base/errors.js';
import { isAbout, knownName, parseKnownHosts } from '../../../../src/hosts/ssh/client/known-hosts.js';
import { readTrust } from '../../../../src/hosts/ssh/client/trust.js';
import { temporaryFolder } from '../../../base/temporary.js';

const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-known-'));
test.after.always(() => rm(folder, { recursive: true, force: true }));

const TYPE = 'ssh-ed25519';
const keyOf = (seed: number, type = TYPE): Buffer => {
  const string = (data: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return Buffer.concat([length, data]);
  };
  return Buffer.concat([string(Buffer.from(type)), string(Buffer.alloc(32, seed))]);
};
const lineOf = (names: string, key: Buffer, type = TYPE): string =>
  `${names} ${type} ${key.toString('base64')}`;
const hashed = (name: string, salt: Buffer): string =>
  `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;

const label = fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,20}$/);
const port = fc.oneof(fc.constant(22), fc.integer({ min: 1, max: 65535 }));

test('a host is found by its plain and by its hashed name, at its own port alone', (t) => {
  fc.assert(
    fc.property(
      label,
      port,
      label,
      fc.uint8Array({ minLength: 20, maxLength: 20 }),
      (host, at, other, salt) => {
        const name = knownName(host, at);
        const lines = parseKnownHosts(
          [lineOf(name, keyOf(1)), lineOf(hashed(name, Buffer.from(salt)), keyOf(2))].join('\n'),
        );
        t.is(lines.length, 2);
        t.true(lines.every((line) => isAbout(line, knownName(host.toUpperCase(), at))));
        t.true(lines.every((line) => isAbout(line, knownName(other, at)) === (other === host)));
        t.false(lines.some((line) => isAbout(line, knownName(host, at === 22 ? 23 : 22))));
      },
    ),
  );
});

test('no text breaks the parser, and a good line is found in any', (t) => {
  const good = lineOf('one.example,10.0.0.1', keyOf(1));
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'binary' })),
      fc.array(fc.string({ unit: 'binary' })),
      (before, after) => {
        const found = parseKnownHosts([...before, good, ...after].join('\n'));
        t.true(found.some(({ key, names }) => key.equals(keyOf(1)) && names === 'one.example,10.0.0.1'));
      },
    ),
  );
});

test('lines of all kinds, with their numbers', (t) => {
  const text = [
    '# comment',
    '',
    `@revoked * ${TYPE} ${keyOf(3).toString('base64')}`,
    `@cert-authority *.example ${TYPE} ${keyOf(4).toString('base64')} our authority`,
    `@other x ${TYPE} ${keyOf(4).toString('base64')}`,
    `host ${TYPE}`,
    `host ssh-rsa ${keyOf(4).toString('base64')}`,
    `host ${TYPE} AAAA`,
    ` a,*.b,!c.b\t${TYPE}  ${keyOf(5).toString('base64')}`,
  ].join('\n');
  t.deepEqual(
    parseKnownHosts(text).map(({ line, marker, names }) => [line, marker, names]),
    [
      [3, 'revoked', '*'],
      [4, 'cert-authority', '*.example'],
      [9, undefined, 'a,*.b,!c.b'],
    ],
  );
  const last = parseKnownHosts(text)[2] as { names: string };
  const isFound = (name: string): boolean => isAbout(last, name);
  t.deepEqual(['a', 'x.b', 'c.b', 'b', '.b'].map(isFound), [true, true, false, false, true]);
});

test('ssh-keygen finds what we find', async (t) => {
  const path = join(folder, 'same');
  const names = ['plain.example', '[plain.example]:2222', '10.1.2.3', '[::1]:22022', '*.wild,!no.wild'];
  await writeFile(path, names.map((name, index) => `${lineOf(name, keyOf(index))}\n`).join(''));
  if (spawnSync('ssh-keygen', ['-?']).error !== undefined) {
    t.log('no ssh-keygen: compared with nothing');
    t.is(parseKnownHosts(await readFile(path, 'utf8')).length, names.length);
    return;
  }
  const asked = [...names.slice(0, 4), 'a.wild', 'no.wild', 'stranger', '[10.1.2.3]:22'];
  const compare = async (file: string): Promise<void> => {
    const lines = parseKnownHosts(await readFile(file, 'utf8'));
    for (const name of asked) {
      const { stdout } = spawnSync('ssh-keygen', ['-F', name, '-f', file], { encoding: 'utf8' });
      const theirs = stdout
        .split('\n')
        .filter((line) => line.includes(TYPE))
        .map((line) => line.split(' ')[2]);
      const ours = lines
        .filter((line) => isAbout(line, name.toLowerCase()))
        .map(({ key }) => key.toString('base64'));
      t.deepEqual(ours, theirs, name);
    }
  };
  await compare(path);
  spawnSync('ssh-keygen', ['-H', '-f', path]);
  t.true((await readFile(path, 'utf8')).includes('|1|'));
  await compare(path);
});

test('keys of several hosts at once are all kept, where there is no file yet', async (t) => {
  const file = join(await temporaryFolder(t), 'hosts');
  const keep = async (host: string): Promise<void> => {
    const base = { name: host, host, port: 22, isAlias: false, globalFiles: [], userFiles: [file] };
    await (await readTrust({ ...base, acceptNew: true })).judge(keyOf(1));
  };
  const hosts = Array.from({ length: 20 }, (_, index) => `h${index}`);
  await Promise.all(hosts.map(keep));
  const kept = (await readFile(file, 'utf8')).split('\n');
  t.deepEqual(kept.toSorted(), ['', ...hosts.map((host) => lineOf(host, keyOf(1)))].toSorted());
});

test('hostile: a new key is kept in no file of others, nor where a link of theirs leads', async (t) => {
  const own = await temporaryFolder(t);
  const options = {
    name: 'x',
    host: 'h.example',
    port: 22,
    isAlias: false,
    globalFiles: [],
    acceptNew: true,
  };
  const keep = async (file: string): Promise<void> =>
    (await readTrust({ ...options, userFiles: [file] })).judge(keyOf(1));
  const line = `${lineOf('h.example', keyOf(1))}\n`;
  // Of the user's own: as those have it who keep such files elsewhere.
  await mkdir(join(own, 'dotfiles'));
  await writeFile(join(own, 'dotfiles', 'hosts'), 'other x');
  await symlink('dotfiles/hosts', join(own, 'link'));
  await keep(join(own, 'link'));
  t.is(await readFile(join(own, 'dotfiles', 'hosts'), 'utf8'), `other x\n${line}`);
  await keep(join(own, 'new', 'hosts'));
  t.is(await readFile(join(own, 'new', 'hosts'), 'utf8'), line);
  await keep('/dev/null');

  spawnSync('mkfifo', [join(own, 'pipe')]);
  await t.throwsAsync(keep(join(own, 'pipe')), { message: /it is a pipe/ });
  await symlink('nowhere', join(own, 'dangling'));
  await t.throwsAsync(keep(join(own, 'dangling')), {
    instanceOf: UsageError,
    message: /dangling: it is a link that leads nowhere/,
  });
  t.false(existsSync(join(own, 'nowhere')));
  if (process.getuid?.() !== 0) return;
  await writeFile(join(own, 'precious'), 'precious');
  const open = join(own, 'open');
  await mkdir(open);
  await chmod(open, 0o1777);
  await symlink('../precious', join(open, 'hosts'));
  await lchown(join(open, 'hosts'), 1000, 1000);
  await t.throwsAsync(keep(join(open, 'hosts')), { message: /hosts is a link, and everybody may write to/ });
  t.is(await readFile(join(own, 'precious'), 'utf8'), 'precious');
  await writeFile(join(own, 'theirs'), 'theirs\n');
  await chown(join(own, 'theirs'), 1000, 1000);
  await t.throwsAsync(keep(join(own, 'theirs')), { message: /user 1000 may change it/ });
  t.is(await readFile(join(own, 'theirs'), 'utf8'), 'theirs\n');
});

test('keys are judged: known, changed, unknown, revoked, an authority alone; new ones kept if asked', async (t) => {
  const file = join(folder, 'known_hosts');
  const base = { name: 'x', host: 'h.example', port: 22, isAlias: false, globalFiles: [] };
  const judge = async (text: string, key: Buffer, changes = {}): Promise<void> => {
    await writeFile(file, text);
    const trust = await readTrust({ ...base, userFiles: [file], acceptNew: false, ...changes });
    await trust.judge(key);
  };
  await judge(lineOf('h.example', keyOf(1)), keyOf(1));
  await judge(`${lineOf('h.example', keyOf(1))}\n${lineOf('h.example', keyOf(2))}`, keyOf(2));
  await judge(lineOf('h.example', keyOf(1)), keyOf(1), { port: 2222 });
  for (const acceptNew of [false, true]) {
    const changed = await t.throwsAsync(
      judge(`\n${lineOf('h.example', keyOf(1))}`, keyOf(2), { acceptNew }),
      {
        instanceOf: MissingError,
        message: /HOST KEY HAS CHANGED/,
      },
    );
    t.true(changed?.facts.happened.includes(`${file}:2 knows`));
    await t.throwsAsync(judge(lineOf('@revoked *', keyOf(1)), keyOf(1), { acceptNew }), {
      message: /revoked/,
    });
  }
  const unknown = await t.throwsAsync(judge(lineOf('other', keyOf(1)), keyOf(1)), {
    instanceOf: MissingError,
    message: /not known/,
  });
  // Blind advice would have whoever stands between put in the key of his.
  t.regex(
    String(unknown?.facts.next),
    /compare.*ssh-keygen -lf \/etc\/ssh\/ssh_host_ed25519_key\.pub.*only if.*--accept-new/,
  );
  t.notRegex(String(unknown?.facts.next), /keyscan/);
  await t.throwsAsync(judge(lineOf('@cert-authority *', keyOf(1)), keyOf(1)), { message: /authority/ });
  // A key known for port 22 says nothing against another one at another port, and nothing for it either.
  await t.throwsAsync(judge(lineOf('h.example', keyOf(1)), keyOf(2), { port: 2222 }), {
    message: /not known/,
  });
  await judge('other x', keyOf(7), { acceptNew: true, port: 2222 });
  t.is(await readFile(file, 'utf8'), `other x\n${lineOf('[h.example]:2222', keyOf(7))}\n`);
  await judge(lineOf('alias', keyOf(1)), keyOf(1), { host: 'alias', isAlias: true, port: 2222 });
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;
asRoot('HOSTILE: A11: root believes no host key that another user may have written', async (t) => {
  const folder = await temporaryFolder(t);
  const line = `${lineOf('h.example', keyOf(1))}\n`;
  const [theirs, open] = [join(folder, 'theirs'), join(folder, 'open')];
  await mkdir(theirs);
  for (const file of [open, join(theirs, 'hosts'), join(folder, 'own'), join(folder, 'given')]) {
    await writeFile(file, line);
  }
  await chown(theirs, 1000, 1000);
  await chown(join(folder, 'given'), 1000, 1000);
  await chmod(open, 0o666);
  await symlink('../own', join(theirs, 'link'));
  await lchown(join(theirs, 'link'), 1000, 1000);
  const trust = (file: string) =>
    readTrust({
      ...{ name: 'x', host: 'h.example', port: 22, isAlias: false, acceptNew: false },
      ...{ userFiles: [file], globalFiles: [] },
    });
  await (await trust(join(folder, 'own'))).judge(keyOf(1));
  await t.throwsAsync(trust(join(theirs, 'hosts')), {
    message: /user 1000 may exchange it: .*theirs is not root's/,
  });
  await t.throwsAsync(trust(join(folder, 'given')), { message: /user 1000 may change it/ });
  await t.throwsAsync(trust(open), { message: /everybody may change it/ });
  await t.throwsAsync(trust(join(theirs, 'link')), { message: /link is a link, and user 1000 may write to/ });
});
