/** From what was found on a host to a state, faults and what repairs them: a table. */
import test from 'ava';
import type { ExportEntry } from '../../../src/serve/exports/entry.js';
import type { Gathered } from '../../../src/serve/exports/gather-status.js';
import { judgeStatus } from '../../../src/serve/exports/judge-status.js';
import type { ExportStatus } from '../../../src/serve/exports/status-report.js';
import { surveyOf } from '../storage/disks.js';
import { backingOf, entryOf } from './entries.js';

const SECTORS = 1 << 21;
const WIRE = { answer: 'answers', unchecked: null, isAsked: true, stations: [] } as const;

const ENTRY = entryOf({ backing: backingOf({ kind: 'device', path: '/dev/sda', size: SECTORS * 512 }) });

/** Of an export of /dev/sda with which all is well. */
const WELL: Gathered = {
  snapshot: surveyOf(['sda']),
  iface: undefined,
  loops: [],
  persistence: [],
  copy: undefined,
  copyUnknown: undefined,
  run: { state: 'serving', pids: [7] },
  kept: undefined,
  place: { wire: { ...WIRE, stations: [] }, faults: [] },
  station: undefined,
  opened: [],
  isShared: false,
  clash: undefined,
  rights: null,
  rightsWarnings: [],
  persistenceWarnings: [],
  log: '/state/logs/e0.1@eth0.log',
};

const DOWN: Partial<Gathered> = { run: { state: 'absent', pids: [], fault: 'no process' } };
const DEAF: Partial<Gathered> = {
  run: { state: 'deaf', pids: [7], fault: 'its process has no packet socket' },
};
const RESTART = ': aoe-lab restart e0.1@eth0';
/** For a person to see to. */
const GONE: Partial<ExportEntry> = { backing: backingOf({ path: '/dev/sdq', size: SECTORS * 512 }) };
const loop: Partial<ExportEntry> = { backing: { ...ENTRY.backing, loop: true } };

const CASES: {
  title: string;
  entry?: Partial<ExportEntry>;
  facts?: Partial<Gathered>;
  state: ExportStatus['state'];
  remedy?: ExportStatus['remedy'];
  faults?: (string | RegExp)[];
}[] = [
  { title: 'all is well', state: 'serving' },
  { title: 'no process', facts: DOWN, state: 'down', remedy: 'restart', faults: [`no process${RESTART}`] },
  {
    title: 'a process that hears nothing',
    facts: DEAF,
    state: 'impaired',
    remedy: 'restart',
    faults: [/socket: aoe-lab restart/],
  },
  {
    title: 'one that waits for its disk hears nothing yet, which no restart changes',
    facts: { ...DEAF, waits: 'its disk is not there' },
    state: 'impaired',
    faults: ['it is not served yet: its disk is not there'],
  },
  {
    title: 'no loop device',
    entry: loop,
    state: 'impaired',
    remedy: 'restart',
    faults: [`no loop device${RESTART}`],
  },
  {
    title: 'services and a copy that are not there',
    facts: { persistence: ['its service is off'], copy: 'its program is not there' },
    state: 'impaired',
    remedy: 'restart',
    faults: [`its service is off${RESTART}`, `its program is not there${RESTART}`],
  },
  {
    title: 'a copy that can not be looked at is no reason to restart',
    facts: { copyUnknown: 'looking for it: permission denied' },
    state: 'impaired',
    faults: ['looking for it: permission denied'],
  },
  {
    title: 'what a restart would refuse is not sent to it',
    entry: GONE,
    facts: DOWN,
    state: 'down',
    remedy: 'file',
    faults: [/^\/dev\/sdq is gone/, 'no process'],
  },
  {
    title: 'two exports of the same bytes',
    facts: { clash: ['e0.2@eth0', 'e0.3@eth0'] },
    state: 'impaired',
    remedy: 'file',
    faults: [/^e0\.2@eth0 and e0\.3@eth0 export the same bytes: .*--allow exported$/],
  },
  {
    title: 'an interface comes before a file',
    entry: GONE,
    facts: {
      place: { wire: { ...WIRE, stations: [] }, faults: [{ text: 'eth0 is down', remedy: 'interface' }] },
    },
    state: 'impaired',
    remedy: 'interface',
    faults: [/^\/dev\/sdq is gone/, 'eth0 is down'],
  },
  {
    title: 'a target that should lock access and does not',
    entry: { options: { lockAccess: true } },
    facts: { kept: { masks: [], reservation: [], configString: '', locked: false } },
    state: 'impaired',
    remedy: 'restart',
    faults: [/lets initiators change/],
  },
  {
    title: 'a status that can not be read is told, and not the end of it',
    facts: { untold: 'status.json can’t be read' },
    state: 'impaired',
    faults: ['status.json can’t be read'],
  },
  {
    title: 'a command that makes it was killed: nothing else of it counts',
    entry: { phase: 'starting' },
    facts: { ...DOWN, copy: 'its program is not there' },
    state: 'unfinished',
    faults: [/^a command makes it, or was killed at that: .*aoe-lab unexport e0\.1@eth0 does$/],
  },
  {
    title: 'a command that ends it was killed',
    entry: { phase: 'stopping' },
    state: 'unfinished',
    faults: [/^a command ends it/],
  },
  {
    title: 'a move that was cut short tells what is wrong beside',
    entry: { phase: 'moving', migration: { other: { ...ENTRY, implementation: 'ggaoed' } } as never },
    facts: DOWN,
    state: 'unfinished',
    remedy: 'restart',
    faults: [/^it moves from ggaoed 25 to vblade 25, or /, `no process${RESTART}`],
  },
];

for (const { title, entry = {}, facts = {}, state, remedy = null, faults = [] } of CASES) {
  test(`${state}: ${title}`, (t) => {
    const told = judgeStatus({ ...ENTRY, ...entry }, { ...WELL, ...facts });
    t.is(told.state, state);
    t.is(told.remedy, remedy);
    t.is(told.faults.length, faults.length, told.faults.join('\n'));
    for (const [index, fault] of faults.entries()) {
      const text = told.faults[index] ?? '';
      if (typeof fault === 'string') t.is(text, fault);
      else t.regex(text, fault);
    }
  });
}

test('what its target tells of itself counts before its entry', (t) => {
  const told = { address: { shelf: 0, slot: 1 }, sectors: 8, datapath: 'copies' } as never;
  const { size, sectors, datapath, path } = judgeStatus(ENTRY, { ...WELL, told });
  t.deepEqual(
    { size, sectors, datapath, path },
    { size: 4096, sectors: 8, datapath: 'copies', path: 'copies' },
  );
  t.is(judgeStatus(ENTRY, { ...WELL, told: { path: 'of 0.1.0' } as never }).datapath, 'of 0.1.0');
  t.is(judgeStatus(ENTRY, WELL).size, SECTORS * 512);
});
