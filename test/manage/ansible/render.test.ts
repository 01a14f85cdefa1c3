/** What is rendered of a lab, without a build and without a host. */
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import { addToBook } from '../../../src/hosts/book/book.js';
import type { AnsibleBuild } from '../../../src/manage/ansible/builds.js';
import { inventory, reachOf } from '../../../src/manage/ansible/inventory.js';
import { renderAnsible } from '../../../src/manage/ansible/render.js';
import type { Lab, LabExport } from '../../../src/manage/lab/lab.js';
import { temporaryFolder } from '../../base/temporary.js';
import { entryOf } from '../../serve/exports/entries.js';

const LAB: Lab = {
  name: 'test',
  hosts: [
    { name: 'one', ssh: 'one' },
    { name: 'two', ssh: 'admin@10.0.0.2:2222' },
    { name: 'me', ssh: 'here' },
  ],
  segments: [],
  exports: [
    { slot: 2, file: '/srv/b {{ x }}.img', loop: true },
    { slot: 1, file: '/srv/a.img', size: 1 << 20 },
    { slot: 3, file: '/dev/disk/by-id/x', options: { directIo: true } },
  ].map(({ slot, ...more }): LabExport => {
    const common = { host: 'one', implementation: 'vblade', iface: 'san0', options: {}, persist: true };
    return { ...common, address: { shelf: 0, slot }, ...more };
  }),
};

async function rendered(path: string): Promise<Map<string, string | Buffer>> {
  const { implementation, release, build, artifacts, control } = entryOf({});
  const made: AnsibleBuild = {
    serving: { implementation, release, build, artifacts, control },
    artifacts: [{ name: 'vblade', path }],
    machine: 'x86_64',
    glibc: '2.36',
  };
  return renderAnsible(LAB, { reach: new Map(), buildOf: () => made, node: '/usr/bin/node' });
}

test('a file a host, one of all, a program a build, and what asks a host', async (t) => {
  const program = join(await temporaryFolder(t), 'vblade');
  await writeFile(program, 'x');
  const files = await rendered(program);
  const again = await rendered(program);
  t.deepEqual([...files], [...again], 'the same lab makes the same bytes');
  for (const name of ['one', 'two', 'me']) t.true(files.has(`host_vars/${name}.yml`));
  const build = 'b'.repeat(64);
  t.true(files.has(`roles/aoe_lab/files/${build}.tar.gz`));
  t.is(spawnSync('sh', ['-n'], { input: files.get('roles/aoe_lab/files/look.sh') }).status, 0);
  const text = String(files.get('host_vars/one.yml'));
  t.regex(text, /file: !unsafe \/srv\/b \{\{ x \}\}\.img/);
  const read = (file: string): Record<string, unknown> =>
    parse(String(files.get(file)), {
      customTags: [{ tag: '!unsafe', resolve: (word: string) => word }],
    }) as Record<string, unknown>;
  const one = read('host_vars/one.yml');
  t.like(one, { aoe_lab_direct: 1 });
  t.deepEqual(
    one.aoe_lab_exports,
    LAB.exports.map((more) => ({ ...more, build })),
  );
  // What direct I/O is tried on comes first.
  t.deepEqual(one.aoe_lab_names, ['/dev/disk/by-id/x', '/srv/b {{ x }}.img', '/srv/a.img']);
  t.deepEqual(read('host_vars/two.yml').aoe_lab_exports, [], 'a host without exports may have had some');
  t.like(read('group_vars/aoe_lab.yml'), { aoe_lab_name: 'test', aoe_lab_format: 1 });
});

test.serial('hosts are reached as aoe-lab reaches them', async (t) => {
  const home = await temporaryFolder(t);
  process.env.XDG_CONFIG_HOME = home;
  const reach = new Map(
    await Promise.all(LAB.hosts.map(async (host) => [host.name, await reachOf(host)] as const)),
  );
  t.deepEqual(reach.get('two'), {
    ansible_host: '10.0.0.2',
    ansible_user: 'admin',
    ansible_port: 2222,
    ansible_become: true,
  });
  t.is(reach.get('me')?.ansible_connection, 'local');
  t.false('ansible_host' in (reach.get('one') ?? {}));
  t.deepEqual(inventory(LAB, reach), {
    aoe_lab: { hosts: { one: reach.get('one'), two: reach.get('two'), me: reach.get('me') } },
  });
});

test.serial(
  'HOSTILE: a host to jump over is one word of ssh’s arguments, and what a shell would obey is refused',
  async (t) => {
    process.env.XDG_CONFIG_HOME = await temporaryFolder(t);
    const jump = 'ops@[2001:db8::1]:2222,two';
    await addToBook('far', { address: 'far.example', jump });
    const reach = await reachOf({ name: 'far', ssh: 'far' });
    const { stdout } = spawnSync('sh', ['-c', `printf '%s\\n' ${reach.ansible_ssh_common_args}`], {
      encoding: 'utf8',
    });
    t.is(stdout, `-o\nProxyJump=${jump}\n`);
    for (const hostile of [
      'a;touch pwned',
      '$(touch pwned)',
      "a' -oProxyCommand='touch pwned",
      '-oProxyCommand=x',
    ]) {
      await addToBook('far', { address: 'far.example', jump: hostile });
      await t.throwsAsync(reachOf({ name: 'far', ssh: 'far' }), { name: 'UsageError' }, hostile);
    }
  },
);
