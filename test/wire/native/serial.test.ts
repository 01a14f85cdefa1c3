import { copyFile, link, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { tellingText } from '../../../src/base/identity.js';
import { here } from '../../../src/hosts/host/local.js';
import { type Identity, identityOf } from '../../../src/serve/storage/identity.js';
import { attachLoop, detachLoop } from '../../../src/serve/storage/loop.js';
import type { NameFacts } from '../../../src/serve/storage/snapshot.js';
import { surveyStorage } from '../../../src/serve/storage/survey.js';
import { identityAt } from '../../../src/wire/native/file-identity.js';
import { serialFor } from '../../../src/wire/native/serial.js';
import { makeServed } from '../../../src/wire/native/serve.js';
import { parseSettings } from '../../../src/wire/native/settings.js';
import { temporaryFolder } from '../../base/temporary.js';
import { noRoot, testUnless } from '../../live/support/machine.js';

const FACTS = { machineId: '0123456789abcdef0123456789abcdef', address: 'e0.1', identity: 'file 12 345' };

test('A17: the serial is the same for the same facts, and has 20 characters of ASCII', (t) => {
  t.is(serialFor(FACTS), serialFor({ ...FACTS }));
  t.regex(serialFor(FACTS), /^[0-9a-f]{20}$/);
});

for (const [title, other] of [
  ['another host', { machineId: 'f123456789abcdef0123456789abcdef' }],
  ['another address', { address: 'e0.2' }],
  ['another file', { identity: 'file 13 345' }],
  ['facts that read the same in a row', { address: 'e0.1 11:file', identity: '12 345' }],
] as const) {
  test(`A17: ${title} has another serial`, (t) => {
    t.not(serialFor({ ...FACTS, ...other }), serialFor(FACTS));
  });
}

test('A17: a file keeps its identity when it is renamed, linked and written to; its copy has another', async (t) => {
  const folder = await temporaryFolder(t);
  const path = (name: string) => join(folder, name);
  const textOf = async (file: string) => tellingText(await identityAt(file));
  await writeFile(path('disk'), 'one');
  const identity = await textOf(path('disk'));
  await writeFile(path('disk'), 'changed', { flag: 'r+' });
  await link(path('disk'), path('hard'));
  await symlink('hard', path('soft'));
  t.is(await textOf(path('soft')), identity);
  await rename(path('disk'), path('moved'));
  t.is(await textOf(path('moved')), identity);
  await copyFile(path('moved'), path('copy'));
  t.not(await textOf(path('copy')), identity);
  await rm(path('copy'));
  await t.throwsAsync(textOf(path('copy')), { code: 'ENOENT' });
});

testUnless(
  noRoot(),
  'A17: a target and who asks its host say the same of a file, a loop device and a partition',
  async (t) => {
    const file = join(await temporaryFolder(t), 'disk');
    // One partition of 2048 sectors from sector 64 on.
    const entry = Buffer.from([0, 0, 0, 0, 0x83, 0, 0, 0, 64, 0, 0, 0, 0, 8, 0, 0]);
    await writeFile(
      file,
      Buffer.concat([Buffer.alloc(446), entry, Buffer.alloc(48), Buffer.from([0x55, 0xaa])]),
    );
    await truncate(file, 4 << 20);
    const device = await attachLoop(here, file, { readOnly: false, directIo: false });
    t.teardown(async () => {
      await here.run(['partx', '--delete', device], { accept: [1] });
      await detachLoop(here, device);
    });
    await here.run(['partx', '--update', device], { accept: [1] });
    const part = `${device}p1`;
    const names = [file, device, ...((await here.stat(part)) === undefined ? [] : [part])];
    const snapshot = await surveyStorage(here, names, 'names');
    for (const name of names) {
      const asked = identityOf(snapshot, snapshot.names.get(name) as NameFacts);
      t.deepEqual(tellingText(await identityAt(name)), tellingText(asked as Identity), name);
    }
  },
);

test('A17: a serial that is given has 1 to 20 printable characters', (t) => {
  const parse = (serial: unknown) => {
    const faults: string[] = [];
    const one = { shelf: 0, slot: 1, iface: 'eth0', path: '/disk', serial };
    return { serial: parseSettings({ exports: [one] }, faults).exports[0]?.serial, faults };
  };
  t.is(parse('S-1 of mine').serial, 'S-1 of mine');
  t.deepEqual(parse(null), { serial: undefined, faults: [] });
  for (const wrong of ['', ' x', 'x'.repeat(21), 'ü', 'a\nb', 7]) {
    t.regex(parse(wrong).faults[0] ?? '', /^exports\[0\]\.serial: /, String(wrong));
  }
});

test('A17: a serial that was given to one file is not that of another by its name, whoever opens it', async (t) => {
  const path = join(await temporaryFolder(t), 'disk');
  await writeFile(path, Buffer.alloc(512));
  const facts = await stat(path);
  const file = { inode: String(facts.ino), birth: Math.floor(facts.birthtimeMs / 1000) };
  const serial = async (given: object): Promise<string> => {
    const address = { shelf: 0, slot: 1 };
    const served = await makeServed({ address, backing: { path }, serial: 'GIVEN', ...given });
    await served.backing.close();
    return served.target.serial;
  };
  t.is(await serial({}), 'GIVEN');
  t.is(await serial({ file }), 'GIVEN');
  t.is(await serial({ file: { ...file, birth: null } }), 'GIVEN', 'an old system does not tell');
  t.regex(await serial({ file: { ...file, birth: file.birth - 1 } }), /^[0-9a-f]{20}$/);
  t.regex(await serial({ file: { ...file, inode: '1' } }), /^[0-9a-f]{20}$/);
  const own = await serial({ serial: undefined });
  t.is(await serial({ file: { ...file, inode: '1' } }), own, 'as an export of it has it');
});

test('A17: the file of a serial is told in a configuration by inode and birth', (t) => {
  const parse = (file: unknown) => {
    const faults: string[] = [];
    const one = { shelf: 0, slot: 1, iface: 'eth0', path: '/disk', file };
    return { file: parseSettings({ exports: [one] }, faults).exports[0]?.file, faults };
  };
  t.deepEqual(parse({ inode: '7', birth: 8 }).file, { inode: '7', birth: 8 });
  t.deepEqual(parse({ inode: '7' }).file, { inode: '7', birth: null });
  t.deepEqual(parse(null), { file: undefined, faults: [] });
  for (const wrong of [7, 'x', {}, { inode: 7 }, { inode: '7', birth: 'x' }]) {
    t.regex(parse(wrong).faults[0] ?? '', /^exports\[0\]\.file: /, JSON.stringify(wrong));
  }
});
