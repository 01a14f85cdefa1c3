import test from 'ava';
import { UsageError } from '../../../src/base/errors.js';
import { loadRecipe, select } from '../../../src/make/recipe/load.js';
import { judgeDirectIo } from '../../../src/serve/exports/direct-io.js';
import type { Backing } from '../../../src/serve/storage/backing.js';
import type { NameFacts } from '../../../src/serve/storage/snapshot.js';
import { surveyOf } from '../storage/disks.js';

const disks = surveyOf(['sda', 'sde', 'sde1']);

/** A file on the file system of a disk. */
function fileOn(number: string, type = 'ext2/ext3'): NameFacts {
  const { node, ...facts } = disks.names.get('/dev/sda') as NameFacts;
  const file = node && ({ ...node, kind: 'file', id: { ...node.id, dev: number } } as const);
  return { ...facts, name: '/srv/disk', node: file, room: { free: 0, unit: 4096, type, id: '1' } };
}

/** Why direct I/O on something is refused, and the way out; undefined where it is not. */
async function refusal(implementation: string, facts: NameFacts | undefined, probed = '') {
  if (facts === undefined) throw new TypeError('it was not asked about');
  const { control } = select(await loadRecipe(implementation));
  const kind = facts.node?.kind === 'file' ? 'file' : 'device';
  const backing = { name: facts.name, kind, absent: false } as Backing;
  const snapshot = { ...disks, names: new Map([[facts.name, facts]]) };
  try {
    judgeDirectIo(control, backing, { snapshot }, probed);
  } catch (error) {
    if (error instanceof UsageError) return `${error.facts.happened}: ${error.facts.next}`;
    throw error;
  }
  return undefined;
}

for (const [implementation, expected] of [
  [
    'vblade',
    /^its sectors are 4096 bytes, and .* of 512: .* would fail: leave --direct-io out, or take the native/,
  ],
  ['ggaoed', /^its sectors are 4096 bytes/],
  ['native', undefined],
] as const) {
  const verb = expected === undefined ? 'joins' : 'is not given';
  test(`A13: ${implementation} ${verb} by direct I/O what is no whole sector of a disk with 4096 bytes each`, async (t) => {
    const large = [disks.names.get('/dev/sde'), disks.names.get('/dev/sde1'), fileOn('8:65')];
    for (const facts of large) {
      const found = await refusal(implementation, facts);
      if (expected === undefined) t.is(found, undefined);
      else t.regex(found ?? '', expected);
    }
    for (const facts of [disks.names.get('/dev/sda'), fileOn('8:0'), fileOn('0:51')]) {
      t.is(await refusal(implementation, facts), undefined);
    }
  });
}

test('A13: a file system that takes no direct I/O is named, whichever it is', async (t) => {
  const probed = "dd: failed to open '/srv/disk': Invalid argument";
  for (const type of ['ramfs', 'squashfs']) {
    t.is(
      await refusal('native', fileOn('0:51', type), probed),
      `${type} takes no direct I/O: leave --direct-io out`,
    );
  }
});
