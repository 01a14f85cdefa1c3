/** What a lab or the host book says of a host is a name, and no command of a shell: not where `plan` only looks either. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { stringify } from 'yaml';
import { runHere, shelter } from './in-process.js';

const NAMES = ['$(echo>pwned)', '`echo>pwned`', 'x;echo>pwned', 'me;echo>pwned@x', '-oProxyCommand=x', "x'y"];

/** ssh's configuration has a shell run commands with the name of any host that is reached. */
async function home(t: ExecutionContext): Promise<string> {
  const folder = await shelter(t);
  const ssh = join(folder, 'home', '.ssh');
  await mkdir(ssh, { recursive: true });
  const ran = join(folder, 'ran');
  await writeFile(join(folder, 'bin', 'note'), `#!/bin/sh\necho "$@" >> ${ran}\n`, { mode: 0o755 });
  const config = [
    'Match exec "note match %n"',
    '  ConnectTimeout 5',
    'Host *',
    '  ProxyCommand note proxy %h %r',
  ];
  await writeFile(join(ssh, 'config'), config.join('\n'), { mode: 0o600 });
  return folder;
}

async function writeBook(folder: string, addresses: Record<string, string>): Promise<void> {
  const entries = Object.entries(addresses).map(([name, address]) => [name, { address }]);
  await mkdir(join(folder, 'config', 'aoe-lab'), { recursive: true });
  await writeFile(
    join(folder, 'config', 'aoe-lab', 'hosts.yaml'),
    stringify({ hosts: Object.fromEntries(entries) }),
    { mode: 0o600 },
  );
}

async function writeLab(hosts: Record<string, { ssh?: string }>): Promise<void> {
  const of = { implementation: 'native', segment: 'san', file: '/srv/disk' };
  const exports = Object.keys(hosts).map((host, index) => ({ ...of, address: `e0.${index}`, host }));
  const lab = { lab: 'names', segments: { san: { interface: 'eth0' } }, hosts, exports };
  await writeFile('lab.yaml', stringify(lab));
}

async function assertNothingRan(t: ExecutionContext, folder: string): Promise<void> {
  t.false((await readdir('.')).includes('pwned'));
  t.false((await readdir(folder)).includes('ran'));
}

test.serial(
  'HOSTILE 5: the commands of this configuration are run for a host that may be reached',
  async (t) => {
    const folder = await home(t);
    await writeLab({ one: { ssh: 'me@harmless' } });
    await runHere(['plan'], 60_000);
    t.is(await readFile(join(folder, 'ran'), 'utf8'), 'match harmless\nproxy harmless me\n');
  },
);

test.serial('HOSTILE 5: ssh of a lab is no command, nor is any run to plan with it', async (t) => {
  const folder = await home(t);
  await writeLab(Object.fromEntries(NAMES.map((ssh, index) => [`h${index}`, { ssh }])));
  const { output, exitCode } = await runHere(['plan', '--json'], 60_000);
  t.not(exitCode, 0);
  for (const index of NAMES.keys()) t.true(output.includes(`"h${index}"`), output);
  t.is(output.match(/OpenSSH refuses it too/g)?.length, NAMES.length, output);
  await assertNothingRan(t, folder);
});

test.serial(
  'HOSTILE 5: nor is the address of the host book, by its name in a lab or a command',
  async (t) => {
    const folder = await home(t);
    const names = Object.fromEntries(NAMES.map((address, index) => [`h${index}`, address]));
    await writeBook(folder, names);
    await writeLab(Object.fromEntries(Object.keys(names).map((name) => [name, {}])));
    const planned = await runHere(['plan', '--json'], 60_000);
    t.is(planned.output.match(/OpenSSH refuses it too/g)?.length, NAMES.length, planned.output);
    for (const name of Object.keys(names)) {
      for (const command of ['status', 'doctor']) {
        const { exitCode, stderr } = await runHere([command, '--host', name], 60_000);
        t.is(exitCode, 2, stderr);
        t.regex(stderr, /OpenSSH refuses it too/);
      }
    }
    await assertNothingRan(t, folder);
  },
);
