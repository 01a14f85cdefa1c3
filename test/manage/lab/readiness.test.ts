import { join } from 'node:path';
import test from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import type { LabPlan } from '../../../src/manage/lab/actions.js';
import type { LabExport } from '../../../src/manage/lab/lab.js';
import { judgePlan } from '../../../src/manage/lab/readiness.js';
import { surveyStorage } from '../../../src/serve/storage/survey.js';
import { temporaryFolder } from '../../base/temporary.js';

test('D6: what would fail of its file is told by the plan with a way out, and the others are planned', async (t) => {
  const folder = await temporaryFolder(t);
  await here.write(join(folder, 'odd'), Buffer.alloc(1_000_001));
  await here.write(join(folder, 'good'), Buffer.alloc(1024));
  const files: [file: string, size: number | undefined, says: RegExp | undefined, next?: RegExp][] = [
    ['good', undefined, undefined],
    ['new', 1 << 20, undefined],
    ['absent', undefined, /there is no such file/, /give size:/],
    ['nodir/new', 1 << 20, /there is no folder .*nodir/, /make the folder first/],
    ['odd', undefined, /not a whole number of 512-byte sectors/, /give length: 1953/],
    ['/dev/aoe-lab-not-there', 1 << 20, /there is no such device/, /a file below \/dev is never made/],
  ];
  const actions = files.map(([name, size], slot) => {
    const one = {
      host: 'here',
      address: { shelf: 0, slot },
      implementation: 'native',
      iface: 'san0',
      file: name.startsWith('/') ? name : join(folder, name),
      ...(size === undefined ? {} : { size }),
      options: {},
    } as unknown as LabExport;
    return { kind: 'create' as const, host: 'here', id: `e0.${slot}`, export: one };
  });
  const plan = { lab: 'd6', actions, troubles: [], warnings: [] } as unknown as LabPlan;
  const snapshot = await surveyStorage(
    here,
    actions.map((action) => action.export.file),
  );
  const storage = {
    snapshot,
    cwd: '/',
    ours: new Set([process.pid]),
    ourLoops: new Set<string>(),
    entries: [],
  };
  const judged = judgePlan(plan, new Map([['here', { storage, entries: [] }]]));
  t.deepEqual(
    judged.actions.map(({ id }) => id),
    ['e0.0', 'e0.1'],
  );
  const failing = files.flatMap(([, , says, next], slot) => (says && next ? [{ says, next, slot }] : []));
  t.is(judged.troubles.length, failing.length);
  for (const [index, { says, next, slot }] of failing.entries()) {
    t.is(judged.troubles[index]?.id, `e0.${slot}`);
    t.regex(judged.troubles[index]?.happened ?? '', says);
    t.regex(judged.troubles[index]?.next ?? '', next);
  }
});
