import { copyFile, link, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { identityOf } from '../../src/native/file-identity.js';
import { serialFor } from '../../src/native/serial.js';
import { parseSettings } from '../../src/native/settings.js';
import { temporaryFolder } from '../temporary.js';

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
  await writeFile(path('disk'), 'one');
  const identity = await identityOf(path('disk'));
  await writeFile(path('disk'), 'changed', { flag: 'r+' });
  await link(path('disk'), path('hard'));
  await symlink('hard', path('soft'));
  t.is(await identityOf(path('soft')), identity);
  await rename(path('disk'), path('moved'));
  t.is(await identityOf(path('moved')), identity);
  await copyFile(path('moved'), path('copy'));
  t.not(await identityOf(path('copy')), identity);
  await rm(path('copy'));
  await t.throwsAsync(identityOf(path('copy')), { code: 'ENOENT' });
});

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
