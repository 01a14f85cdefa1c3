/** A set-up in files becomes a lab, which loads again and whose plan is to make what was configured. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { UsageError } from '../../../src/base/errors.js';
import { here, LocalHost } from '../../../src/hosts/host/local.js';
import { importExports } from '../../../src/manage/import/import.js';
import { resolveLoops } from '../../../src/manage/import/loops.js';
import { IMPORTABLE } from '../../../src/manage/import/sources.js';
import { completeLab } from '../../../src/manage/lab/check.js';
import { parseLab } from '../../../src/manage/lab/load.js';
import { planLab } from '../../../src/manage/lab/plan.js';
import { temporaryFolder } from '../../base/temporary.js';

const FOUND = { implementation: 'kvblade', shelf: 0, iface: 'eth0', options: {} };
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
    remarks.map(
      ({ file, text: words }) => `${file.slice(folder.length + 1)}: ${words.replace(/(65535).*/, '$1')}`,
    ),
    [
      'b.conf: ionice -c3: its process gets no I/O priority here',
      'c.conf: e1.3 is left out: "srv/relative" is no absolute path',
      'b.conf: e1.2 is left out: bufferCount: 99999999 is not in 2…65535',
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

test('a file or folder whose target is not named is of the one that exports something by it', async (t) => {
  const folder = await temporaryFolder(t);
  const fragment = 'shelf=1\nslot=1\nnetif=eth0\nfilename=/srv/disk\n';
  const [debian, ggaoed, none, both] = ['conf.d', 'ggaoed', 'none', 'both'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  await mkdir(debian);
  await writeFile(join(debian, 'a.conf'), fragment);
  await writeFile(ggaoed, '[a]\nshelf=0\nslot=1\npath=/srv/disk\ninterfaces=eth0\n');
  await writeFile(none, 'hello=world\n');
  await writeFile(both, 'vblade 0 1 eth0 /srv/a\nkvadd 1 1 eth0 /dev/vg/a\n');
  const taken = async (path: string) =>
    (await importExports(here, { ...OPTIONS, path })).lab.exports.map(({ implementation }) => implementation);
  t.deepEqual(await taken(debian), ['vblade']);
  t.deepEqual(await taken(ggaoed), ['ggaoed']);
  for (const [path, happened, next] of [
    [none, /exports nothing that is known of vblade, ggaoed/, /--from vblade, --from ggaoed, --from qaoed/],
    [both, /something by vblade and kvblade/, /^name the target: --from vblade, --from kvblade$/],
    [join(folder, 'away'), /there is nothing/, /check the name/],
  ] as const) {
    const error = await t.throwsAsync<UsageError>(taken(path), { instanceOf: UsageError, message: happened });
    t.regex(String(error.facts.next), next);
  }
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
  t.notRegex(text, /force|allow/);
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

test('E: what can not be read is named, and the others are read', async (t) => {
  const folder = join(await temporaryFolder(t), 'vblade.conf.d');
  await mkdir(join(folder, 'folder.conf'), { recursive: true });
  const good = 'shelf=0\nslot=1\nnetif=eth0\nfilename=/srv/a\n';
  await writeFile(join(folder, 'a.conf'), good);
  await writeFile(join(folder, 'b.conf'), Buffer.from('\xff\xfes\0h\0', 'latin1'));
  await writeFile(
    join(folder, 'c.conf'),
    Buffer.from(good.replace('slot=1', 'slot=2').replace('/a', '/\xe4'), 'latin1'),
  );
  await writeFile(
    join(folder, 'd.conf'),
    Buffer.from(`# gr\xfcn\n${good.replace('slot=1', 'slot=4')}`, 'latin1'),
  );
  await writeFile(join(folder, 'sealed.conf'), good.replace('slot=1', 'slot=3'));
  await chmod(join(folder, 'sealed.conf'), 0);
  await symlink('/nowhere', join(folder, 'link.conf'));
  await symlink('self.conf', join(folder, 'self.conf'));
  execFileSync('mkfifo', [join(folder, 'pipe.conf')]);
  const { lab, text, remarks, leftOut } = await importExports(here, {
    ...OPTIONS,
    from: 'vblade',
    path: folder,
  });
  const isRoot = process.getuid?.() === 0;
  t.deepEqual(
    lab.exports.map(({ file, address }) => [file, address.slot]),
    [['/srv/a', 1]],
    'those that write to the same file are left out',
  );
  const told = remarks
    .map((one) => `${one.file.slice(folder.length + 1)}:${one.line ?? ''} ${one.text}`)
    .join('\n');
  for (const words of [
    /^b\.conf: it is no text/m,
    /^c\.conf:4 this is no UTF-8/m,
    /^c\.conf:4 e0\.2 is left out: its path .* is no UTF-8/m,
    /^d\.conf:1 this is no UTF-8/m,
    /^d\.conf:5 e0\.4 is left out: the export of .*a\.conf:4 .* writes to it too$/m,
    /^folder\.conf: it is a folder/m,
    /^link\.conf: it leads to no file/m,
    /^self\.conf: it can't be read: its links lead in a circle/m,
    /^pipe\.conf: it is no file/m,
    ...(isRoot ? [] : [/^sealed\.conf: it can't be read: permission denied/m]),
  ]) {
    t.regex(told, words);
  }
  t.true(leftOut.length >= 2);
  t.false('faults' in parseLab('lab.yaml', text));
});

test('E: a draft of what was left out can not be used until a person has completed it', async (t) => {
  const folder = await temporaryFolder(t);
  const good = 'shelf=0\nslot=1\nnetif=eth0\nfilename=/srv/a\n';
  await writeFile(join(folder, 'a.conf'), good);
  await writeFile(
    join(folder, 'b.conf'),
    `${good.replaceAll('1', '2')}filename=/srv/b\noptions="-r -m $ALLOWED"\n`,
  );
  const { text, leftOut, lab } = await importExports(here, { ...OPTIONS, from: 'vblade', path: folder });
  t.is(leftOut.length, 1);
  t.is(lab.exports.length, 1);
  const [before = '', drafts = ''] = text.split(/^# Left out.*\n/m);
  const completed = before + drafts.replaceAll(/^# /gm, '');
  const refused = parseLab('lab.yaml', completed);
  t.deepEqual('faults' in refused && refused.faults.map(({ field }) => field).sort(), [
    'exports[1].options',
    'exports[1].to-complete',
  ]);
  const right = completed
    .replace(/ {2}- to-complete: .*\n {4}address/, '  - address')
    .replace(/options: as in .*/, 'options: { readOnly: true }');
  const accepted = parseLab('lab.yaml', right);
  t.deepEqual('lab' in accepted && accepted.lab.exports[1]?.address, { shelf: 0, slot: 2 }, right);
});

test('E: two that say something else of one address are both left out', async (t) => {
  const folder = await temporaryFolder(t);
  const good = 'shelf=0\nslot=1\nnetif=eth0\nfilename=/srv/a\n';
  await writeFile(join(folder, 'a.conf'), good);
  await writeFile(join(folder, 'b.conf'), `${good}options=-r\n`);
  await writeFile(join(folder, 'c.conf'), good.replace('slot=1', 'slot=2'));
  await writeFile(join(folder, 'd.conf'), good.replace('slot=1', 'slot=2'));
  const { lab, leftOut } = await importExports(here, { ...OPTIONS, from: 'vblade', path: folder });
  t.deepEqual(
    lab.exports.map(({ address }) => address.slot),
    [2],
  );
  t.is(leftOut.length, 2);
  for (const { reason } of leftOut) t.regex(reason, /says something else of the same address/);
});

test('E: of a loop device the lab names the file, of one that is not attached nothing', async (t) => {
  const found = (path: string, slot: number) => ({ ...FOUND, path, slot, place: { file: 'f', line: slot } });
  const answers = [
    '/dev/loop0 12 8:1 0 0 0 0 /srv/a.img',
    '/dev/loop1 - - 1 0 0 0 /srv/b.img',
    '/dev/loop2 14 8:1 0 1 512 0 /srv/c.img',
    '/dev/loop3 15 8:1 0 0 0 0 /srv/d.img (deleted)',
  ];
  const paths = [
    '/dev/loop0',
    '/dev/loop1',
    '/dev/loop2',
    '/dev/loop3',
    '/dev/loop4',
    '/dev/loop0p1',
    '/srv/e.img',
  ];
  const exports = paths.map(found);
  const host = new (class extends LocalHost {
    override async run() {
      return { exitCode: 0, stdout: `${answers.join('\0')}\0`, stderr: '', duration: 0 };
    }
  })();
  const resolved = await resolveLoops(host, { exports, leftOut: [], remarks: [] });
  t.deepEqual(
    resolved.exports.map(({ path, loop, options }) => [path, loop, options]),
    [
      ['/srv/a.img', true, {}],
      ['/srv/b.img', true, { readOnly: true }],
      ['/srv/e.img', undefined, {}],
    ],
  );
  t.deepEqual(
    resolved.leftOut.map(({ reason }) => reason.replace(/, and is another file.*/, '')),
    [
      '/dev/loop2 shows a part of /srv/c.img',
      '/dev/loop3 is attached to /srv/d.img (deleted)',
      '/dev/loop4 is not attached to a file',
      '/dev/loop0p1 is a partition of a loop device',
    ],
  );
});

/** A host whose files lie below a folder, and that answers all commands by its loop devices. */
function hostIn(root: string, loops: readonly string[]): LocalHost {
  return new (class extends LocalHost {
    override stat(path: string) {
      return super.stat(join(root, path));
    }
    override list(path: string) {
      return super.list(join(root, path));
    }
    override read(path: string) {
      return super.read(join(root, path));
    }
    override async run() {
      return { exitCode: 0, stdout: `${loops.join('\0')}\0`, stderr: '', duration: 0 };
    }
  })();
}

for (const [from, files] of [
  ['kvblade', { 'sys/kvblade/1.2@eth0/bpath': '/dev/loop0\n' }],
  [
    'aoeserver',
    { 'proc/aoeserver': '#<device> <shelf> <slot> <interface>\n/dev/loop0  1  2  eth0\n\n# access lists\n' },
  ],
  ['vblade-kernel', { 'sys/vblade/drives': 'do /dev/loop0\n', 'sys/vblade/do/ports': 'eth0 1 2 32 8\n' }],
] as const) {
  test(`E: a live ${from} behind a loop device becomes a lab of the device’s file, with a loop device`, async (t) => {
    const root = await temporaryFolder(t);
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, file)), { recursive: true });
      await writeFile(join(root, file), text);
    }
    const host = hostIn(root, ['/dev/loop0 12 8:1 0 0 0 0 /srv/a.img']);
    const { text } = await importExports(host, { ...OPTIONS, from });
    const loaded = parseLab('lab.yaml', text);
    if ('faults' in loaded) return t.fail(JSON.stringify(loaded.faults));
    t.like(loaded.lab.exports, [
      {
        implementation: from,
        address: { shelf: 1, slot: 2 },
        iface: 'eth0',
        file: '/srv/a.img',
        loop: true,
      },
    ]);
    t.notRegex(text.replaceAll(/^ *#.*/gm, ''), /\/dev\/loop/);
  });
}

const PIECES =
  'shelf=0|slot=1|netif=eth0|filename=/srv/a|options=|-r|-m |02:00:00:00:00:01|\n|\n|\n| |;|"|\'|$X|$(|)|`|{|}|if |then |fi|&&|#|[a]|[defaults]|path=/srv/b|interfaces=eth*|accept=|device {|target = /srv/c;|acl {|config_a="0 1 eth0 /x"|vblade 0 2 eth0 /srv/d|config vblade|option shelf 1|[Service]|ExecStart=|eth0 0 3 /srv/e|kvadd 1 1 eth0 /dev/x|\0|\xff|constructor|__proto__'.split(
    '|',
  );

test('E: no text whatever ends in anything but a lab that loads, or an error of use', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'f.conf');
  const bytes = fc
    .oneof(
      fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }).map((all) => all.join('')),
      fc.string({ unit: 'binary', maxLength: 200 }),
    )
    .map((text) => Buffer.from(text, 'latin1'));
  await fc.assert(
    fc.asyncProperty(bytes, fc.constantFrom(...IMPORTABLE), async (content, from) => {
      await writeFile(file, content);
      try {
        const { text } = await importExports(here, { ...OPTIONS, from, path: file });
        const loaded = parseLab('lab.yaml', text);
        t.true('lab' in loaded, text);
        t.false(/force|allow/.test(text.replaceAll(/^#.*/gm, '')));
      } catch (error) {
        t.true(error instanceof UsageError, `${from}: ${(error as Error).stack}`);
      }
    }),
    { numRuns: 300 },
  );
});

test('nothing to import is an error that tells where it looked', async (t) => {
  const folder = await temporaryFolder(t);
  const error = await t.throwsAsync(
    importExports(here, { ...OPTIONS, from: 'qaoed', path: join(folder, 'none') }),
  );
  t.regex(error?.message ?? '', /there is nothing at .*none/);
  await writeFile(join(folder, 'empty.conf'), 'log-level = error;\n');
  const empty = await t.throwsAsync(
    importExports(here, { ...OPTIONS, from: 'qaoed', path: join(folder, 'empty.conf') }),
  );
  t.regex(empty?.message ?? '', /nothing of .*empty.conf can be taken over/);
});
