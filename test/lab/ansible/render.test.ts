/** What is rendered of a lab, without a build and without a host. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import type { AnsibleBuild } from '../../../src/lab/ansible/builds.js';
import { inventory, reachOf } from '../../../src/lab/ansible/inventory.js';
import { renderAnsible } from '../../../src/lab/ansible/render.js';
import type { Lab, LabExport } from '../../../src/lab/lab.js';
import { entryOf } from '../../target/entries.js';
import { temporaryFolder } from '../../temporary.js';

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
    { slot: 3, file: '/dev/disk/by-id/x' },
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

test('a file a host, one of all, a program a build, and a template of each kind that is needed', async (t) => {
  const program = join(await temporaryFolder(t), 'vblade');
  await writeFile(program, 'x');
  const files = await rendered(program);
  const again = await rendered(program);
  t.deepEqual([...files], [...again], 'the same lab makes the same bytes');
  for (const name of ['one', 'two', 'me']) t.true(files.has(`host_vars/${name}.yml`));
  const templates = [...files.keys()].filter((path) =>
    /templates\/.*\.(service|loop\.sh|conf)\.j2$|loop\.sh/.test(path),
  );
  t.deepEqual(
    templates.map((path) => path.replace(/.*\//, '')),
    ['loop.sh.j2', 'program.service.j2', 'task.service.j2'],
  );
  t.true(files.has(`roles/aoe_lab/files/${'b'.repeat(64)}.tar.gz`));
  const text = String(files.get('host_vars/one.yml'));
  t.regex(text, /file: !unsafe \/srv\/b \{\{ x \}\}\.img/);
  const { aoe_lab_exports: exports, aoe_lab_files: made } = parse(text, {
    customTags: [{ tag: '!unsafe', resolve: (word: string) => word }],
  }) as {
    aoe_lab_exports: { id: string; kind: string; loop: boolean; size: number | null; services: string[] }[];
    aoe_lab_files: { dest: string; template: string; service: string }[];
  };
  t.deepEqual(
    exports.map(({ id, kind, loop, size, services }) => [id, kind, loop, size, services]),
    [
      ['e0.1@san0', 'file', false, 1 << 20, ['aoe-lab-e0.1-san0']],
      ['e0.2@san0', 'file', true, null, ['aoe-lab-loop-e0.2-san0', 'aoe-lab-e0.2-san0']],
      ['e0.3@san0', 'device', false, null, ['aoe-lab-e0.3-san0']],
    ],
  );
  t.true(made.every(({ template }) => files.has(`roles/aoe_lab/templates/${template}`)));
  t.deepEqual(
    (parse(String(files.get('host_vars/two.yml'))) as { aoe_lab_exports: object[] }).aoe_lab_exports,
    [],
    'a host without exports may have had some',
  );
});

test('hosts are reached as aoe-lab reaches them', async (t) => {
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
