import test from 'ava';
import fc from 'fast-check';
import { applyPlan } from '../../../src/manage/lab/apply.js';
import { clashes } from '../../../src/manage/lab/clashes.js';
import type { Lab, LabExport } from '../../../src/manage/lab/lab.js';
import { type HostState, planLab } from '../../../src/manage/lab/plan.js';
import type { ExportStatus } from '../../../src/serve/exports/status-report.js';
import { Model, statusOf } from './model.js';

const HOSTS = ['a', 'bb', 'ccc'];

const someExport: fc.Arbitrary<LabExport> = fc.record(
  {
    host: fc.constantFrom(...HOSTS),
    address: fc.record({ shelf: fc.constant(0), slot: fc.nat(5) }),
    implementation: fc.constantFrom('native', 'vblade'),
    release: fc.constant('1'),
    segment: fc.constant('san'),
    iface: fc.constant('san0'),
    file: fc.constantFrom('/srv/1', '/srv/2', '/srv/3', '/srv/4'),
    options: fc.record({ readOnly: fc.constant(true), queueLength: fc.nat(2) }, { requiredKeys: [] }),
    restart: fc.constant('on-failure' as const),
  },
  { requiredKeys: ['host', 'address', 'implementation', 'release', 'segment', 'iface', 'file', 'options'] },
);

/** Exports of which no two have an address or write to a file together. */
const someExports = fc
  .array(someExport, { maxLength: 8 })
  .map((all) =>
    all.filter((_, index) => clashes(all.slice(0, index + 1)).every(({ path }) => path[1] !== index)),
  );

const condition: fc.Arbitrary<Partial<ExportStatus>> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  fc.constant<Partial<ExportStatus>>({ state: 'down', faults: ['no process'], remedy: 'restart', pids: [] }),
  fc.constant<Partial<ExportStatus>>({ state: 'unfinished' }),
);

function labOf(exports: readonly LabExport[]): Lab {
  return {
    name: 'mine',
    hosts: HOSTS.map((name) => ({ name, ssh: name })),
    segments: [{ name: 'san', interface: 'san0' }],
    exports: [...exports],
  };
}

function statesOf(
  made: readonly { one: LabExport; lab: string | null; is: Partial<ExportStatus> }[],
): HostState[] {
  return HOSTS.map((host) => ({
    host,
    exports: made.filter(({ one }) => one.host === host).map(({ one, lab, is }) => statusOf(lab, one, is)),
  }));
}

const someCase = (owners: fc.Arbitrary<string | null>) =>
  fc.record({
    wanted: someExports,
    made: someExports.chain((exports) =>
      fc.tuple(...exports.map((one) => fc.record({ one: fc.constant(one), lab: owners, is: condition }))),
    ),
    parallel: fc.integer({ min: 1, max: 4 }),
    killAfter: fc.nat(12),
  });

test('a plan that was carried out leaves nothing to do, and every export is as the file says', async (t) => {
  await fc.assert(
    fc.asyncProperty(someCase(fc.constant('mine')), async ({ wanted, made, parallel }) => {
      const lab = labOf(wanted);
      const model = new Model(lab, statesOf(made));
      const plan = planLab(lab, model.states());
      t.deepEqual(plan.troubles, []);
      const outcomes = await applyPlan(plan, model, { parallel });
      t.deepEqual(
        outcomes.filter(({ result }) => result !== 'done'),
        [],
      );
      const after = planLab(lab, model.states());
      t.deepEqual([after.actions, after.troubles, after.unchanged], [[], [], wanted.length]);
      t.is(
        [...model.hosts.values()].reduce((sum, exports) => sum + exports.size, 0),
        wanted.length,
      );
    }),
    { numRuns: 1000 },
  );
});

test('killed after any action, the next one reaches what the file says', async (t) => {
  await fc.assert(
    fc.asyncProperty(someCase(fc.constant('mine')), async ({ wanted, made, parallel, killAfter }) => {
      const lab = labOf(wanted);
      const model = new Model(lab, statesOf(made));
      model.killAfter = killAfter;
      await applyPlan(planLab(lab, model.states()), model, { parallel });
      const next = new Model(lab, model.states());
      const outcomes = await applyPlan(planLab(lab, next.states()), next, { parallel });
      t.deepEqual(
        outcomes.filter(({ result }) => result !== 'done'),
        [],
      );
      const after = planLab(lab, next.states());
      t.deepEqual([after.actions, after.troubles, after.unchanged], [[], [], wanted.length]);
    }),
    { numRuns: 1000 },
  );
});

test('what is not of the lab is never touched, and what it stands in the way of is told', async (t) => {
  await fc.assert(
    fc.asyncProperty(someCase(fc.constantFrom('mine', 'other', null)), async ({ wanted, made, parallel }) => {
      const lab = labOf(wanted);
      const states = statesOf(made);
      const model = new Model(lab, states);
      const plan = planLab(lab, states);
      await applyPlan(plan, model, { parallel });
      const troubled = new Set(plan.troubles.map(({ host, id }) => `${host} ${id}`));
      for (const { one, lab: owner, is } of made) {
        const status = statusOf(owner, one, is);
        if (owner === 'mine' || is.state === 'unfinished') continue;
        t.deepEqual(model.hosts.get(one.host)?.get(status.id), status);
        if (wanted.some((spec) => spec.host === one.host && spec.address.slot === one.address.slot)) {
          t.true(troubled.has(`${one.host} ${status.id}`));
        }
      }
    }),
    { numRuns: 1000 },
  );
});

test('destroy is the plan of a lab without exports: what it made ends, and nothing else', async (t) => {
  await fc.assert(
    fc.asyncProperty(someCase(fc.constantFrom('mine', null)), async ({ made, parallel }) => {
      const lab = labOf([]);
      const model = new Model(lab, statesOf(made));
      await applyPlan(planLab(lab, model.states()), model, { parallel });
      const left = [...model.hosts.values()].flatMap((exports) => [...exports.values()]);
      t.true(left.every(({ lab: owner }) => owner === null));
      t.is(left.length, made.filter(({ lab: owner }) => owner === null).length);
    }),
    { numRuns: 300 },
  );
});

const ONE: LabExport = {
  host: 'a',
  address: { shelf: 0, slot: 1 },
  implementation: 'vblade',
  release: '25',
  segment: 'san',
  iface: 'san0',
  file: '/srv/1',
  size: 1 << 20,
  options: { queueLength: 8 },
};

function planOf(
  is: ExportStatus[],
  wanted: LabExport[] = [ONE],
  answers: { shelf: number; slot: number; mac: string }[] = [],
) {
  return planLab(
    labOf(wanted),
    [{ host: 'a', exports: is }],
    [{ segment: 'san', askedFrom: 'here san0', answers }],
  );
}

for (const [title, more, expected] of [
  [
    'a process that died is restarted',
    { state: 'down', remedy: 'restart', faults: ['no process'] },
    'restart',
  ],
  ['one left half done is made', { state: 'unfinished' }, 'create'],
  ['another option means making it anew', { options: { queueLength: 9 } }, 'replace'],
  ['one that is not to come back after a reboot is made anew', { persist: true }, 'replace'],
  [
    'an option that is off is as good as none',
    { options: { queueLength: 8, sync: false, macs: [] } },
    undefined,
  ],
  [
    'a path with links is the same file',
    { file: '/mnt/1', lab: { name: 'mine', file: '/srv/1' } },
    undefined,
  ],
  [
    'a file by another name in the lab is another one',
    { file: '/mnt/1', lab: { name: 'mine', file: '/mnt/1' } },
    'replace',
  ],
  [
    'A12: a file that grew to what the lab says has its target restarted',
    { size: 1 << 19, state: 'impaired', remedy: 'restart', faults: ['/srv/1 has grown'] },
    'restart',
  ],
  [
    'A2: a link that leads elsewhere now is the same file of the lab, and its target is restarted',
    {
      resolved: '/srv/daily-2',
      state: 'impaired',
      remedy: 'restart',
      faults: ['/srv/1 means /srv/daily-2 now, and its target serves /srv/daily-1'],
    },
    'restart',
  ],
  [
    'A1: a name that is another disk now is left to a person',
    { state: 'impaired', remedy: 'file', faults: ['/srv/1 is another disk now'] },
    /another disk now/,
  ],
  [
    'a file of another size than the lab says is left alone',
    { fileSize: 1 << 21, size: 1 << 21 },
    /never resized/,
  ],
  [
    'a file that is gone is not made again',
    { state: 'impaired', remedy: 'file', fileSize: null, faults: ['/srv/1 is gone'] },
    /gone/,
  ],
  [
    'an interface that is down is told',
    { state: 'impaired', remedy: 'interface', faults: ['the interface san0 is down'] },
    /is down/,
  ],
  ['one that was made by hand is left alone', { lab: null }, /made by hand/],
  ['one of another lab is left alone', { lab: { name: 'theirs', file: '/srv/1' } }, /made for lab theirs/],
] as const) {
  test(title, (t) => {
    const plan = planOf([statusOf('mine', ONE, more as Partial<ExportStatus>)]);
    if (expected instanceof RegExp) {
      t.deepEqual(plan.actions, []);
      t.regex(plan.troubles[0]?.happened ?? '', expected);
    } else {
      t.deepEqual(plan.troubles, []);
      t.is(plan.actions[0]?.kind, expected);
      t.is(plan.unchanged, expected === undefined ? 1 : 0);
    }
  });
}

test('A3: what to do about a file that was replaced is told, and one that is gone may be brought back', (t) => {
  const part: Partial<ExportStatus> = { state: 'impaired', remedy: 'file', faults: ['it was replaced'] };
  const restart = 'copy what matters, then aoe-lab restart e0.1';
  const next = (more: Partial<ExportStatus>) => planOf([statusOf('mine', ONE, more)]).troubles[0]?.next;
  t.is(next({ ...part, next: restart }), restart);
  t.regex(next({ ...part, fileSize: null }) ?? '', /bring it back/);
});

test('a stranger that answers for an address on the wire is told, and nothing is made beside it', (t) => {
  const answer = { shelf: 0, slot: 1, mac: '02:ff:00:00:00:01' };
  const plan = planOf([], [ONE], [answer]);
  t.deepEqual(plan.actions, []);
  t.regex(
    plan.troubles[0]?.happened ?? '',
    /somebody else answers for e0.1 on segment san: 02:ff:00:00:00:01 \(asked from here san0\)/,
  );
  const own = statusOf('mine', ONE);
  t.deepEqual(planOf([own], [ONE], [{ ...answer, mac: String(own.mac) }]).troubles, []);
  t.is(planOf([own], [ONE], [{ ...answer, mac: String(own.mac) }, answer]).troubles.length, 1);
});

test('an export that moves is made only once its old host has ended it', async (t) => {
  const lab = labOf([{ ...ONE, host: 'bb' }]);
  const states = [
    { host: 'a', exports: [statusOf('mine', ONE)] },
    { host: 'bb', exports: [] },
  ];
  const plan = planLab(lab, states);
  const create = plan.actions.find(({ kind }) => kind === 'create');
  t.deepEqual(create?.kind === 'create' ? create.movedFrom : [], ['a']);
  const model = new Model(lab, states);
  await applyPlan(plan, model, { parallel: 1 });
  t.deepEqual(model.carriedOut, ['a end e0.1@san0', 'bb make e0.1@san0']);
  const stubborn = new Model(lab, states);
  stubborn.end = async () => [new Error('it does not end')];
  const outcomes = await applyPlan(plan, stubborn, { parallel: 2 });
  t.deepEqual(outcomes.map(({ result }) => result).sort(), ['failed', 'skipped']);
  t.deepEqual(stubborn.carriedOut, []);
});

test('an export that can not be built is not ended', async (t) => {
  const lab = labOf([{ ...ONE, options: {} }]);
  const model = new Model(lab, [{ host: 'a', exports: [statusOf('mine', ONE)] }]);
  model.provide = async () => new Error('no source');
  const [outcome] = await applyPlan(planLab(lab, model.states()), model, { parallel: 2 });
  t.is(outcome?.result, 'failed');
  t.deepEqual(model.carriedOut, []);
});

test('called off, it begins nothing more and tells what it did not begin', async (t) => {
  const lab = labOf([ONE, { ...ONE, host: 'bb', address: { shelf: 0, slot: 2 } }]);
  const model = new Model(lab, [
    { host: 'a', exports: [] },
    { host: 'bb', exports: [] },
  ]);
  const stop = new AbortController();
  const outcomes = await applyPlan(planLab(lab, model.states()), model, {
    parallel: 1,
    signal: stop.signal,
    onOutcome: () => stop.abort(),
  });
  t.deepEqual(
    outcomes.map(({ result }) => result),
    ['done', 'skipped'],
  );
  t.is(model.carriedOut.length, 1);
});

test("a host that can't be reached holds up no other", async (t) => {
  const lab = labOf([ONE, { ...ONE, host: 'bb', address: { shelf: 0, slot: 2 } }]);
  const plan = planLab(lab, [
    { host: 'a', error: 'no route' },
    { host: 'bb', exports: [] },
  ]);
  t.deepEqual(
    plan.troubles.map(({ host, id, happened }) => [host, id, happened]),
    [['a', null, 'no route']],
  );
  t.deepEqual(
    plan.actions.map(({ host, kind }) => [host, kind]),
    [['bb', 'create']],
  );
});
