import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadRecipes } from '../../../src/make/recipe/load.js';
import { ansibleFaults } from '../../../src/manage/ansible/faults.js';
import { LabFileError, loadLab } from '../../../src/manage/lab/load.js';
import { temporaryFolder } from '../../base/temporary.js';

async function faults(t: ExecutionContext, text: string): Promise<string[]> {
  const file = join(await temporaryFolder(t), 'lab.yaml');
  await writeFile(file, text);
  const recipes = await loadRecipes();
  try {
    await loadLab(file, {}, async (lab) => ansibleFaults(lab, recipes));
    return [];
  } catch (error) {
    if (!(error instanceof LabFileError)) throw error;
    return error.faults.map(({ line, column, field, reason }) => `${line}:${column} ${field}: ${reason}`);
  }
}

const labOf = (one: string): string => `lab: test
defaults: { interface: san0, implementation: vblade, persist: true, host: a }
hosts: { a: {} }
exports:
  - address: e0.1
${one.replaceAll(/^/gm, '    ')}
`;

for (const [title, one, expected] of [
  [
    'what is not kept',
    'file: /srv/a\npersist: false',
    /^7:14 exports\[0\]\.persist: Ansible has systemd keep every export/,
  ],
  [
    'a kernel module',
    'file: /srv/a\nimplementation: kvblade',
    /^7:21 exports\[0\]\.implementation: a kernel module is built/,
  ],
  ['an odd interface', "file: /srv/a\ninterface: '$x'", /^7:16 exports\[0\]\.interface: "\$x" can't stand/],
  ['an end of line in a name', 'file: "/srv/a\\nb"', /^6:11 exports\[0\]\.file: it has characters/],
  ['an end of line of Unicode', 'file: "/srv/a\\u2028b"', /^6:11 exports\[0\]\.file: it has characters/],
  ['a path with turns', 'file: /srv/../etc/a', /^6:11 exports\[0\]\.file: take the straight path, \/etc\/a$/],
  [
    'a path that a reboot empties',
    'file: /tmp/a',
    /^6:11 exports\[0\]\.file: \/tmp\/a does not survive a reboot/,
  ],
  [
    'a size for a device',
    'file: /dev/sdb\nsize: 1M',
    /^7:11 exports\[0\]\.size: a block device has the size/,
  ],
  ['half a sector', 'file: /srv/a\nsize: 1000', /^7:11 exports\[0\]\.size: 1000 bytes are no whole number/],
  [
    'a path that a configuration has no words for',
    'file: /srv/a b\nimplementation: qaoed',
    /^6:11 exports\[0\]\.file: qaoed's configuration can't/,
  ],
] as const) {
  test(`${title} is refused where the file says it`, async (t) => {
    const found = await faults(t, labOf(one));
    t.is(found.length, 1, found.join('\n'));
    t.regex(found[0] as string, expected);
  });
}

test('names of hosts that an inventory has a meaning for are refused', async (t) => {
  const text = labOf('file: /srv/a').replace('{ a: {} }', '{ a: {}, all: {}, a.yml: {} }');
  const found = (await faults(t, text)).join('\n');
  t.regex(found, /^3:17 hosts\.all: "all" means something else/);
  t.regex(found, /^3:26 hosts\.a\.yml: "a\.yml" means something else/m);
});

test('a loop device makes any path good', async (t) => {
  t.deepEqual(
    await faults(t, labOf('file: /srv/a b {{ x }} $HOME \'\\"\nimplementation: qaoed\nloop: true')),
    [],
  );
});
