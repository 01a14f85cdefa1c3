import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import { type Filling, roomWarnings } from '../../../src/serve/storage/room.js';
import type { NameFacts, StorageSnapshot } from '../../../src/serve/storage/snapshot.js';
import { surveyStorage } from '../../../src/serve/storage/survey.js';
import { temporaryFolder } from '../../base/temporary.js';
import { noRoot, testUnless } from '../../live/support/machine.js';
import { loopOn } from '../../live/support/own-dev.js';

const MIB = 2 ** 20;

/** Files of 64 MiB, the first MiB of each written; `new` is not there yet. */
async function files(t: ExecutionContext): Promise<(name: string) => string> {
  const folder = await temporaryFolder(t);
  for (const name of ['a', 'b']) {
    await writeFile(join(folder, name), Buffer.alloc(MIB, 1));
    await truncate(join(folder, name), 64 * MIB);
  }
  return (name) => join(folder, name);
}

function filling(name: string, from = 0, to = 64 * MIB, id = name): Filling {
  return { id, name, size: 64 * MIB, from, to };
}

/** What this machine says of names, as if their file system had so much free. */
async function withFree(names: readonly string[], free: number): Promise<StorageSnapshot> {
  const snapshot = await surveyStorage(here, names);
  const narrow = (facts: NameFacts): NameFacts => {
    if (facts.room === undefined) throw new Error(`${facts.name}: no room is told`);
    return { ...facts, room: { ...facts.room, free } };
  };
  return {
    ...snapshot,
    names: new Map([...snapshot.names].map(([name, facts]) => [name, narrow(facts)])),
    behind: snapshot.behind.map(narrow),
  };
}

test('A15: what is not allocated yet is told where it is more than what is free', async (t) => {
  const path = await files(t);
  const one = filling(path('a'));
  const told = roomWarnings(await withFree([path('a')], 10 * MIB), one, []);
  t.regex(
    told.join('\n'),
    /^63 MiB of it are not allocated yet, and its file system \(.+\) has 10 MiB free: /,
  );
  t.deepEqual(roomWarnings(await withFree([path('a')], 64 * MIB), one, []), []);
});

test('A15: sparse files of one file system are judged together, those that are still to be made as well', async (t) => {
  const path = await files(t);
  const names = ['a', 'b', 'new'].map(path);
  const [a, b, fresh] = names.map((name, slot) => filling(name, 0, 64 * MIB, `e0.${slot}`)) as [
    Filling,
    Filling,
    Filling,
  ];
  const snapshot = await withFree(names, 150 * MIB);
  t.deepEqual(roomWarnings(snapshot, fresh, [a]), []);
  const [told] = roomWarnings(snapshot, fresh, [a, b]);
  t.regex(told ?? '', /^64 MiB of it are not allocated yet, and 190 MiB with those of e0\.0, e0\.1, /);
  t.regex(
    roomWarnings(snapshot, a, [b, fresh])[0] ?? '',
    /^63 MiB .* and 190 MiB with those of e0\.1, e0\.2, /,
  );
  const far = new Map(
    [...snapshot.names].map(([name, facts]): [string, NameFacts] => {
      const { room } = facts;
      return name === b.name && room ? [name, { ...facts, room: { ...room, id: 'abcdef' } }] : [name, facts];
    }),
  );
  t.deepEqual(roomWarnings({ ...snapshot, names: far }, fresh, [a, b]), []);
});

test('A15: of a slice that counts which it may still fill, and of a file that several exports share, once', async (t) => {
  const path = await files(t);
  const snapshot = await withFree([path('a')], 40 * MIB);
  const slice = filling(path('a'), 8 * MIB, 40 * MIB);
  t.deepEqual(roomWarnings(snapshot, slice, []), []);
  t.deepEqual(roomWarnings(snapshot, slice, [filling(path('a'), 8 * MIB, 40 * MIB, 'e0.1')]), []);
  const [told] = roomWarnings(snapshot, slice, [filling(path('a'), 40 * MIB, 64 * MIB, 'e0.1')]);
  t.regex(told ?? '', /^32 MiB of it .* and 56 MiB with those of e0\.1, /);
});

testUnless(noRoot(), 'A15: a sparse file behind a loop device is judged as itself', async (t) => {
  const path = await files(t);
  const device = await loopOn(t, path('a'), 64 * MIB);
  const snapshot = await withFree([device, path('a')], 100 * MIB);
  t.deepEqual(roomWarnings(snapshot, filling(device), []), []);
  // Not twice, by either name.
  t.deepEqual(roomWarnings(snapshot, filling(device), [filling(path('a'), 0, 64 * MIB, 'e0.1')]), []);
  const narrow = await withFree([device], 10 * MIB);
  t.regex(roomWarnings(narrow, filling(device), [])[0] ?? '', /^63 MiB of it are not allocated yet, and its/);
});
