/** A set-up in files becomes a lab, which loads again and whose plan is to make what was configured. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { here } from '../../../src/host/local.js';
import { completeLab } from '../../../src/lab/check.js';
import { importExports } from '../../../src/lab/import/import.js';
import { parseLab } from '../../../src/lab/load.js';
import { planLab } from '../../../src/lab/plan.js';
import { temporaryFolder } from '../../temporary.js';

const OPTIONS = { lab: 'imported', hostName: 'here', ssh: 'here' };

test('Debian’s folder of vblade: a lab that loads, and a plan that makes its exports', async (t) => {
  const folder = join(await temporaryFolder(t), 'vblade.conf.d');
  await mkdir(folder);
  const fragment = (slot: number, more: string) =>
    `# one of ours\nshelf=1\nslot=${slot}\nnetif=eth0\nfilename=/srv/disk${slot}\n${more}\n`;
  await writeFile(join(folder, 'skeleton.conf'), '# shelf=\n# slot=\n');
  await writeFile(join(folder, 'a.conf'), fragment(1, "options='-r -m 02:00:00:00:00:01'"));
  await writeFile(join(folder, 'b.conf'), fragment(2, "ionice='-c3'\noptions='-b 99999999'"));
  await writeFile(join(folder, 'c.conf'), fragment(3, 'filename=srv/relative'));
  await writeFile(join(folder, 'd.conf.dpkg-old'), fragment(4, ''));
  const { lab, text, remarks } = await importExports(here, { ...OPTIONS, from: 'vblade', path: folder });
  t.is(lab.exports.length, 1);
  t.deepEqual(
    remarks.map(({ file, text: words }) => `${file.slice(folder.length + 1)}: ${words}`),
    [
      'b.conf: ionice -c3: its process gets no I/O priority here',
      'c.conf: e1.3 is left out: "srv/relative" is no absolute path',
      'b.conf: e1.2 is left out: bufferCount: 99999999 is not in 1…65535',
    ],
  );
  for (const remark of remarks) t.true(text.includes(remark.text), 'a comment tells it');
  const loaded = parseLab('lab.yaml', text);
  if ('faults' in loaded) return t.fail(JSON.stringify(loaded.faults));
  t.deepEqual(loaded.lab, lab);
  const { lab: complete } = await completeLab(loaded.lab);
  const plan = planLab(complete, [{ host: 'here', exports: [] }]);
  t.deepEqual(
    plan.actions.map(({ kind, id }) => [kind, id]),
    [['create', 'e1.1@eth0']],
  );
});

test('a device on two interfaces is one device, and a path that can not be rendered gets a loop device', async (t) => {
  const folder = await temporaryFolder(t);
  const ggaoed = join(folder, 'ggaoed.conf');
  await writeFile(ggaoed, '[a]\nshelf=0\nslot=1\npath=/srv/my\\sdisk\ninterfaces=eth0,eth1\n');
  const { lab, text } = await importExports(here, { ...OPTIONS, from: 'ggaoed', path: ggaoed });
  t.like(lab.exports, [
    { iface: 'eth0', file: '/srv/my disk', loop: true },
    { iface: 'eth1', file: '/srv/my disk', loop: true },
  ]);
  t.false(text.includes('force'));
  const loaded = parseLab('lab.yaml', text);
  t.false('faults' in loaded, text);
});

test('a name that would end a comment does not', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'a.conf');
  await writeFile(file, 'shelf=1\nslot=1\nnetif=eth0\nfilename=/srv/a\nionice="\u2028exports: []\r x"\n');
  const { text } = await importExports(here, { ...OPTIONS, from: 'vblade', path: file });
  const loaded = parseLab('lab.yaml', text);
  if ('faults' in loaded) return t.fail(JSON.stringify(loaded.faults));
  t.is(loaded.lab.exports.length, 1);
});

test('nothing to import is an error that tells where it looked', async (t) => {
  const folder = await temporaryFolder(t);
  const error = await t.throwsAsync(
    importExports(here, { ...OPTIONS, from: 'qaoed', path: join(folder, 'none') }),
  );
  t.regex(error?.message ?? '', /there is none of .*none/);
  await writeFile(join(folder, 'empty.conf'), 'log-level = error;\n');
  const empty = await t.throwsAsync(
    importExports(here, { ...OPTIONS, from: 'qaoed', path: join(folder, 'empty.conf') }),
  );
  t.regex(empty?.message ?? '', /export nothing/);
});
