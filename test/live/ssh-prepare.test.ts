import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { digestOfFile } from '../../src/base/digest.js';
import { MissingError, UnreachableError } from '../../src/base/errors.js';
import { here } from '../../src/hosts/host/local.js';
import { fetchDebianPackages } from '../../src/make/debian/packages.js';
import { testUnless } from './support/machine.js';
import { cliInside } from './support/ssh-ask.js';
import { type LabHost, noSshLab, type SshLab, sshLab } from './support/ssh-lab.js';

const NFT = [
  'nftables',
  'libnftables1',
  'libnftnl11',
  'libmnl0',
  'libjansson4',
  'libedit2',
  'libbsd0',
  'libmd0',
];
const nftPackages = () =>
  fetchDebianPackages({ suite: 'bookworm', names: [...NFT, 'libxtables12', 'libgmp10'] });

/** Undefined, or why there can be no nftables on a host. */
async function noNft(): Promise<string | undefined> {
  try {
    const { folder } = await nftPackages();
    const env = { LD_LIBRARY_PATH: join(folder, 'usr/lib/x86_64-linux-gnu') };
    const add = ['unshare', '--net', join(folder, 'usr/sbin/nft'), 'add', 'table', 'bridge', 'f'];
    const { exitCode } = await here.run(add, { env, accept: [1, 126, 127] });
    return exitCode === 0 ? undefined : 'the kernel has no nftables for bridges';
  } catch (error) {
    if (!(error instanceof UnreachableError || error instanceof MissingError)) throw error;
    return `no nftables can be had: ${error.facts.happened}`;
  }
}

const noLab = noSshLab();
const nftReason = noLab ?? (await noNft());

async function run(t: ExecutionContext, lab: SshLab, args: string[], expected = 0): Promise<string> {
  const { exitCode, stdout, stderr } = await cliInside(lab, args);
  t.is(exitCode, expected, `${args.join(' ')}: ${stderr}${stdout}`);
  return stdout + (expected === 0 ? '' : stderr);
}

const runJson = async (t: ExecutionContext, lab: SshLab, args: string[]) =>
  JSON.parse(await run(t, lab, ['host', ...args, '--json']));

testUnless(noLab, 'the host book on the command line: add, list, check, remove', async (t) => {
  t.timeout(600_000);
  const lab = await sshLab(t, ['one']);
  const [one] = lab.hosts;
  if (one === undefined) return;
  const identity = join(lab.folder, 'home', '.ssh', 'id_ed25519');
  const known = join(lab.folder, 'home', '.ssh', 'known_hosts');
  await writeFile(known, '');
  const words = ['add', 'store', `root@${one.address}`, '--identity', identity];
  t.regex(await run(t, lab, ['host', ...words], 3), /the host is not known/);
  t.deepEqual(await runJson(t, lab, ['list']), []);
  const entry = { name: 'store', address: one.address, user: 'root', identity };
  t.deepEqual(await runJson(t, lab, [...words, '--accept-new']), entry);
  t.is(await readFile(known, 'utf8'), `${one.address} ${one.hostKey}\n`);
  t.deepEqual(await runJson(t, lab, ['list']), [entry]);
  const facts = await runJson(t, lab, ['check', 'store']);
  t.like(facts, { name: 'store', hostname: 'one', uid: 0, machine: 'x86_64' });
  const san = facts.interfaces.find((link: { name: string }) => link.name === 'san0');
  t.like(san, { mtu: 9000, up: true, carrier: true });
  t.true(Math.abs(facts.clock.ahead) <= facts.clock.uncertainty + 1000);
  t.regex(await run(t, lab, ['host', 'remove', 'nobody'], 2), /no such host/);
  t.like(await runJson(t, lab, ['remove', 'store']), { wasBooked: true, undone: [] });
  t.regex(await run(t, lab, ['host', 'add', 'gone', '10.77.99.99'], 4), /No route|no answer|EHOSTUNREACH/);
  t.deepEqual(await runJson(t, lab, ['list']), []);
});

/** A package of our own that stands for the running kernel's headers, in a repository that is the host's only one. */
async function headersByApt(lab: SshLab, host: LabHost): Promise<{ name: string; file: string }> {
  const { kernel } = await here.facts();
  const name = `linux-headers-${kernel}`;
  const tree = join(lab.folder, 'headers');
  const file = `lib/modules/${kernel}/build/Makefile`;
  await mkdir(join(tree, 'DEBIAN'), { recursive: true });
  await mkdir(join(tree, 'usr', file, '..'), { recursive: true });
  await writeFile(join(tree, 'usr', file), '');
  const control = `Package: ${name}\nVersion: 1\nArchitecture: all\nMaintainer: Test <test@example.org>\nDescription: test\n`;
  await writeFile(join(tree, 'DEBIAN', 'control'), control);
  const repository = join(host.upper, 'srv', 'repository');
  await mkdir(repository, { recursive: true });
  const deb = join(repository, 'headers.deb');
  await here.run(['dpkg-deb', '--build', '--root-owner-group', tree, deb]);
  const sha256 = await digestOfFile(deb);
  const size = (await here.stat(deb))?.size;
  await writeFile(
    join(repository, 'Packages'),
    `${control}Filename: ./headers.deb\nSize: ${size}\nSHA256: ${sha256}\n`,
  );
  const apt = join(host.upper, 'etc', 'apt');
  await mkdir(apt, { recursive: true });
  await writeFile(join(apt, 'sources.list'), 'deb [trusted=yes] file:/srv/repository ./\n');
  return { name, file };
}

testUnless(nftReason, 'prepare: listed, made once by real tools, and undone', async (t) => {
  t.timeout(600_000);
  const lab = await sshLab(t, ['one']);
  const [one] = lab.hosts;
  if (one === undefined) return;
  await one.crash();
  const { name } = await headersByApt(lab, one);
  const { folder } = await nftPackages();
  await here.run(['cp', '-a', join(folder, 'usr'), one.upper]);
  await one.boot();
  const on = async (script: string): Promise<string> => {
    const config = join(lab.folder, 'home', '.ssh', 'config');
    const { stdout } = await here.run(lab.inside(['ssh', '-F', config, 'one', script]));
    return stdout;
  };
  const rules = [
    'add table bridge f',
    'add chain bridge f forward { type filter hook forward priority 0; policy drop; }',
    'add chain bridge f input { type filter hook input priority 0; }',
    'add rule bridge f input ether type 0x88a2 counter drop',
    'add rule bridge f input ip protocol tcp accept',
  ].join('\n');
  await on(
    `rm -rf /etc/apt/sources.list.d/*; ip link set san0 down; ip link set san0 mtu 1500; echo '${rules}' | nft -f -`,
  );
  const state =
    'nft list ruleset; cat /sys/class/net/san0/mtu /sys/class/net/san0/flags; dpkg --get-selections; ls -ad /var/lib/* /lib/modules; true';
  const before = await on(state);

  const words = ['one', '--iface', 'san0', '--mtu', '9000', '--install'];
  const dry = await run(t, lab, ['host', 'prepare', ...words, '--dry-run']);
  const commands = dry.split('\n').filter((line) => line.startsWith('    '));
  t.deepEqual(
    commands.map((line) => line.trim().split(' ').slice(0, 3).join(' ')),
    [
      'mkdir -p /var/lib/aoe-lab',
      'apt-get update --quiet',
      'env DEBIAN_FRONTEND=noninteractive apt-get',
      'ip link set',
      'ip link set',
      'nft insert rule',
      'nft insert rule',
    ],
  );
  t.is(await on(state), before);
  t.regex(await run(t, lab, ['host', 'prepare', ...words], 2), /there is no terminal to ask on/);
  t.is(await on(state), before);

  const done = await runJson(t, lab, ['prepare', ...words, '--yes']);
  t.is(done.changes.length, 6);
  const after = await on(state);
  t.true(after.includes(name));
  t.regex(after, /\n9000\n0x1003\n/);
  t.is(after.split('ether type 0x88a2 accept comment "aoe-lab"').length, 3);
  const again = await runJson(t, lab, ['prepare', ...words, '--yes']);
  t.deepEqual(again.changes, []);
  t.is(await on(state), after);

  const { undone } = await runJson(t, lab, ['remove', 'one', '--purge']);
  t.deepEqual(
    undone.filter(({ failure }: { failure?: string }) => failure !== undefined),
    [],
  );
  t.is(undone.length, 6);
  t.is(await on(state), before);
  t.deepEqual((await runJson(t, lab, ['remove', 'one', '--purge'])).undone, []);
});

testUnless(
  noLab,
  'prepare: a package that can not be had stops it; what was made is undone after a reboot too',
  async (t) => {
    const lab = await sshLab(t, ['one']);
    const [one] = lab.hosts;
    if (one === undefined) return;
    await one.crash();
    await mkdir(join(one.upper, 'etc', 'apt'), { recursive: true });
    await writeFile(
      join(one.upper, 'etc', 'apt', 'sources.list'),
      'deb [trusted=yes] file:/srv/nowhere ./\n',
    );
    await one.boot();
    const failed = await run(t, lab, ['host', 'prepare', 'one', '--install', '--yes'], 1);
    t.regex(failed, /apt-get .*on one/);
    const record = join(one.upper, 'var', 'lib', 'aoe-lab', 'prepared.json');
    const { entries } = JSON.parse(await readFile(record, 'utf8'));
    t.deepEqual(
      entries.map(({ id, isDone }: { id: string; isDone: boolean }) => [id.split('-')[0], isDone]),
      [
        ['folder', true],
        ['packages linux', false],
      ],
    );
    await run(t, lab, ['host', 'prepare', 'one', '--iface', 'san0', '--mtu', '1500', '--yes']);
    await one.crash();
    await one.boot();
    const { undone } = await runJson(t, lab, ['remove', 'one', '--purge']);
    t.deepEqual(
      undone.filter(({ failure }: { failure?: string }) => failure !== undefined),
      [],
    );
    t.is(undone.length, 3);
    t.is(await here.stat(record), undefined);
    const facts = await runJson(t, lab, ['check', 'one']);
    // The namespace outlives this test's boots: the interface was not touched again.
    t.is(facts.interfaces.find((link: { name: string }) => link.name === 'san0').mtu, 1500);
  },
);
