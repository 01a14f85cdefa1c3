// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables of labs look like that
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { packageRoot } from '../../../src/base/files/paths.js';
import { labJsonSchema } from '../../../src/manage/lab/json-schema.js';
import type { Lab, LabExport, LabSegment } from '../../../src/manage/lab/lab.js';
import { LabFileError, loadLab, parseLab } from '../../../src/manage/lab/load.js';
import { writeLab } from '../../../src/manage/lab/write.js';
import { temporaryFolder } from '../../base/temporary.js';

const GOOD = `lab: storage
variables:
  folder: /srv
  count: 16
  token:
defaults:
  implementation: native
  segment: san
  size: 64M
  options: { sync: true }
implementations:
  vblade: { release: "25", options: { bufferCount: 8 } }
segments:
  san: { interface: eth1, vlan: 5, mtu: 9000 }
  lan: { interface: eth0 }
hosts:
  one:
  two: { ssh: "root@10.0.0.2:2222", interfaces: { san: enp3s0.5 } }
exports:
  - address: e0.1
    host: one
    file: \${folder}/a-\${token}.img
    options: { queueLength: "\${count}", macs: [00-11-22-AA-BB-CC] }
  - address: e0.2
    host: two
    implementation: vblade
    file: /dev/sdb
    size: 1.5G
    options: { sync: false }
    restart: on-failure
    persist: true
  - { address: e0.1, host: one, interface: eth7, netns: blue, file: /srv/c.img }
`;

const GIVEN = { token: '7' };

/** The faults of the good file with one text replaced that must be in it, as `LINE:COLUMN FIELD: REASON`. */
function faults(from: string, to: string, given: Record<string, string> = GIVEN): string[] {
  if (!GOOD.includes(from)) throw new Error(`"${from}" is not in the file`);
  const outcome = parseLab('lab.yaml', GOOD.replace(from, to), given);
  if (!('faults' in outcome)) return [];
  return outcome.faults.map(({ line, column, field, reason }) => `${line}:${column} ${field}: ${reason}`);
}

function parsed(text: string, given: Record<string, string> = GIVEN): Lab {
  const outcome = parseLab('lab.yaml', text, given);
  if ('faults' in outcome) throw new Error(JSON.stringify(outcome.faults));
  return outcome.lab;
}

/** Title, text replaced, what by, the text that the fault points at, its field, its reason. */
for (const [title, from, to, at, field, reason] of [
  ['text that is no YAML', 'hosts:', 'hosts: ]', ']', '', /^Unexpected flow-seq-end/],
  [
    'a field that is none',
    '    restart:',
    '    restrat:',
    'restrat',
    'exports[1].restrat',
    'no such field; did you mean "restart"?',
  ],
  [
    'an option that is none',
    'sync: false',
    'snyc: false',
    'snyc',
    'exports[1].options.snyc',
    'no such field; did you mean "sync"?',
  ],
  ['a size that is none', '1.5G', 'large', 'large', 'exports[1].size', 'expected a size such as 256M or 2G'],
  [
    'a size of a fraction of a byte',
    '1.5G',
    '1.00001K',
    '1.00001K',
    'exports[1].size',
    'expected a size such as 256M or 2G',
  ],
  [
    'an address that YAML takes for a number',
    'e0.2',
    '0.20',
    '0.20',
    'exports[1].address',
    'expected an address such as e0.1 (shelf 0, slot 1)',
  ],
  [
    'an address that means everybody',
    'e0.2',
    'e65535.0',
    'e65535',
    'exports[1].address',
    'the last address is e65534.254',
  ],
  [
    'an initiator that is a group',
    '00-11-22-AA-BB-CC',
    '01-00-5e-00-00-01',
    '01-00-5e-00-00-01',
    'exports[0].options.macs[0]',
    '01:00:5e:00:00:01 admits nobody: that is the address of a group, which no station has',
  ],
  [
    'a relative path',
    '/dev/sdb',
    'disk.img',
    'disk.img',
    'exports[1].file',
    "expected an absolute path on the export's host",
  ],
  [
    'a host that is none',
    'host: two',
    'host: tow',
    'tow',
    'exports[1].host',
    'there is no host tow; did you mean "two"?',
  ],
  [
    'a segment that is none',
    'interface: eth7',
    'segment: sam',
    'sam',
    'exports[2].segment',
    'there is no segment sam; did you mean "san"?',
  ],
  [
    'a segment of a host that is none',
    'interfaces: { san',
    'interfaces: { lon',
    'lon',
    'hosts.two.interfaces.lon',
    'there is no segment lon; did you mean "lan"?',
  ],
  [
    'a variable that is none',
    '${folder}/',
    '${fodler}/',
    '${fodler}',
    'exports[0].file',
    'there is no variable fodler; did you mean "folder"?',
  ],
  [
    'a variable made of others',
    '/srv\n',
    '"/srv/${count}"\n',
    '"/srv/',
    'variables.folder',
    'a variable can not be made of others',
  ],
  [
    'a host twice',
    '  one:',
    '  one: { ssh: "root@10.0.0.2:2222" }',
    'two',
    'hosts.two',
    'it is the same as host one (root@10.0.0.2:2222)',
  ],
  [
    'an address twice on a segment',
    'e0.2',
    'e0.01',
    'e0.01',
    'exports[1].address',
    'e0.1 is taken on segment san by exports[0] (/srv/a-7.img of one)',
  ],
  [
    'an address twice on an interface',
    'e0.1, host: one, interface: eth7, netns: blue',
    'e0.01, host: one, interface: eth1.5',
    'e0.01',
    'exports[2].address',
    'e0.1 is taken on eth1.5 of one by exports[0] (/srv/a-7.img of one)',
  ],
  [
    'a file with two writers',
    '/srv/c.img',
    '/srv/a-7.img',
    '/srv/a-7.img',
    'exports[2].file',
    'exports[0] (e0.1) writes to it too; `allow: [exported]` allows that',
  ],
  ['an alias without its anchor', 'host: two', 'host: *two', 'lab:', '', /^Unresolved alias/],
  [
    'no implementation',
    'defaults:\n  implementation: native\n',
    'defaults:\n',
    'address: e0.1',
    'exports[0]',
    'it names no implementation, and defaults neither',
  ],
  [
    'a segment without an interface',
    '{ interface: eth1, vlan: 5, mtu: 9000 }',
    '{}',
    'address: e0.1',
    'exports[0]',
    'segment san has no interface on host one',
  ],
  [
    'a VLAN that is none',
    'vlan: 5',
    'vlan: 4095',
    '4095',
    'segments.san.vlan',
    'Too big: expected number to be <=4094',
  ],
] as const) {
  test(`${title} is told with line, column and field`, (t) => {
    t.true(GOOD.includes(from));
    const text = GOOD.replace(from, () => to);
    const before = text.slice(0, text.indexOf(at)).split('\n');
    const outcome = parseLab('lab.yaml', text, GIVEN);
    const [fault] = 'faults' in outcome ? outcome.faults : [];
    t.like(fault, { file: 'lab.yaml', line: before.length, column: String(before.at(-1)).length + 1, field });
    if (typeof reason === 'string') t.is(fault?.reason, reason);
    else t.regex(fault?.reason ?? '', reason);
  });
}

test('all faults come at once, those of variables too', (t) => {
  const text = GOOD.replace('size: 1.5G', 'size: large')
    .replace('${folder}', '${fold}')
    .replace('host: two', 'hots: two');
  const outcome = parseLab('lab.yaml', text, {});
  t.deepEqual(
    'faults' in outcome ? outcome.faults.map(({ line }) => line).sort() : [],
    [22, 25, 28, 5].sort(),
  );
});

test('variables of the command line must be declared, and those without a value be given', (t) => {
  t.deepEqual(faults('lab: storage', 'lab: storage', { token: '7', cuont: '3' }), [
    '2:1 variables: --var cuont: the file declares no such variable; did you mean "count"?',
  ]);
  t.deepEqual(faults('lab: storage', 'lab: storage', {}), [
    '5:3 variables.token: it has no value: give --var token=VALUE',
  ]);
});

test('the environment is not read', (t) => {
  process.env.fodler = '/secret';
  t.regex(faults('${folder}', '${fodler}')[0] ?? '', /there is no variable fodler/);
});

test('defaults, implementations, segments and variables are put in their places', (t) => {
  t.deepEqual(parsed(GOOD), {
    name: 'storage',
    hosts: [
      { name: 'one', ssh: 'one' },
      { name: 'two', ssh: 'root@10.0.0.2:2222', interfaces: { san: 'enp3s0.5' } },
    ],
    segments: [
      { name: 'san', interface: 'eth1', vlan: 5, mtu: 9000 },
      { name: 'lan', interface: 'eth0' },
    ],
    exports: [
      {
        host: 'one',
        address: { shelf: 0, slot: 1 },
        implementation: 'native',
        segment: 'san',
        iface: 'eth1.5',
        file: '/srv/a-7.img',
        size: 64 << 20,
        options: { sync: true, queueLength: 16, macs: ['00:11:22:aa:bb:cc'] },
      },
      {
        host: 'two',
        address: { shelf: 0, slot: 2 },
        implementation: 'vblade',
        release: '25',
        segment: 'san',
        iface: 'enp3s0.5',
        file: '/dev/sdb',
        size: 1.5 * 2 ** 30,
        options: { sync: false, bufferCount: 8 },
        restart: 'on-failure',
        persist: true,
      },
      {
        host: 'one',
        address: { shelf: 0, slot: 1 },
        implementation: 'native',
        iface: 'eth7',
        netns: 'blue',
        file: '/srv/c.img',
        size: 64 << 20,
        options: { sync: true },
      },
    ],
  });
});

test('a given value goes before the declared one, and $${ stands for itself', (t) => {
  const lab = parsed(
    GOOD.replace('/srv/c.img', () => '"/srv/$${folder}"'),
    {
      token: 'x',
      folder: '/mnt',
      count: '3',
    },
  );
  t.deepEqual(
    lab.exports.map(({ file }) => file),
    ['/mnt/a-x.img', '/dev/sdb', '/srv/${folder}'],
  );
  t.is(lab.exports[0]?.options.queueLength, 3);
});

const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,6}$/);
const someExport = (host: string, index: number): fc.Arbitrary<LabExport> =>
  fc.record(
    {
      host: fc.constant(host),
      address: fc.record({ shelf: fc.constant(index), slot: fc.nat(254) }),
      implementation: fc.constantFrom('native', 'vblade', 'qaoed'),
      iface: word,
      file: fc.string({ minLength: 1, unit: 'binary' }).map((text) => `/${index}${text}`),
      options: fc.record(
        { readOnly: fc.boolean(), offset: fc.nat(), macs: fc.constant(['00:11:22:33:44:55']) },
        { requiredKeys: [] },
      ),
      release: fc.constantFrom('25', '1.10', 'true', '0x10'),
      source: fc.constant('/srv/my source'),
      segment: fc.constant('san'),
      netns: word,
      size: fc.nat().map((sectors) => (sectors + 1) * 512),
      loop: fc.boolean(),
      restart: fc.constant('on-failure' as const),
      persist: fc.boolean(),
      allow: fc.constantFrom(true as const, ['mounted' as const, 'in-use' as const]),
    },
    { requiredKeys: ['host', 'address', 'implementation', 'iface', 'file', 'options'] },
  );

test('what is written is read as the same lab', (t) => {
  const labs = fc.tuple(word, fc.uniqueArray(word, { minLength: 1, maxLength: 4 })).chain(([name, hosts]) =>
    fc.record({
      name: fc.constant(name),
      hosts: fc.constant(
        hosts.map((host, at) => ({
          name: host,
          ssh: at === 0 ? 'here' : host,
          ...(at === 1 ? { interfaces: { san: 'eth5' } } : {}),
        })),
      ),
      segments: fc.constant<LabSegment[]>([{ name: 'san', interface: 'eth0', mtu: 1500 }]),
      exports: fc.tuple(
        ...hosts.flatMap((host, at) => [someExport(host, 2 * at), someExport(host, 2 * at + 1)]),
      ),
    }),
  );
  fc.assert(
    fc.property(labs, (lab) => {
      t.deepEqual(parsed(writeLab(lab), {}), lab);
    }),
    { numRuns: 300 },
  );
});

test('what the targets lack is told by the place of the export', async (t) => {
  process.env.AOE_LAB_CACHE = await temporaryFolder(t);
  const file = join(await temporaryFolder(t), 'lab.yaml');
  await writeFile(
    file,
    GOOD.replace('release: "25"', 'release: "24"').replace(
      'implementation: native',
      'implementation: natvie',
    ),
  );
  const error = await t.throwsAsync(loadLab(file, GIVEN), { instanceOf: LabFileError });
  t.deepEqual(
    error?.faults.map(({ line, field, reason }) => `${line} ${field}: ${reason}`),
    [
      '20 exports[0].implementation: there is no implementation natvie; did you mean "native"?',
      '24 exports[1].release: vblade has no release 24; it has 25, 21, 20, 19',
      '32 exports[2].implementation: there is no implementation natvie; did you mean "native"?',
    ],
  );
  await writeFile(file, GOOD.replace('sync: false', 'broadcast: true'));
  const lacking = await t.throwsAsync(loadLab(file, GIVEN), { instanceOf: LabFileError });
  t.regex(lacking?.message ?? '', /lab.yaml:29:5: exports\[1\].options: vblade 25 has no broadcast/);
  await writeFile(file, GOOD);
  t.deepEqual(
    (await loadLab(file, GIVEN)).exports.map(({ release }) => release),
    ['1', '25', '1'],
  );
});

test('the published JSON Schema is the one that labs are checked by', (t) => {
  const published = JSON.parse(readFileSync(join(packageRoot, 'recipes', 'lab.schema.json'), 'utf8'));
  t.deepEqual(published, JSON.parse(JSON.stringify(labJsonSchema())));
});
