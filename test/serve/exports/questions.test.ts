/** Questions that a host did not answer: an error, or a fault that is told, and never the answer "none". */
import test from 'ava';
import { CommandError } from '../../../src/hosts/host/command-error.js';
import type { RunOptions } from '../../../src/hosts/host/host.js';
import type { Control } from '../../../src/make/recipe/schema.js';
import { driverFor } from '../../../src/serve/exports/drivers.js';
import { EntryStore } from '../../../src/serve/exports/entry.js';
import { HostSnapshot } from '../../../src/serve/exports/host-snapshot.js';
import { loopsIn, ownLoops } from '../../../src/serve/exports/loops.js';
import { Network } from '../../../src/serve/exports/network.js';
import { byRealNames } from '../../../src/serve/exports/real-names.js';
import { recentlyUsed } from '../../../src/serve/exports/recent-use.js';
import { macsBeside } from '../../../src/serve/exports/rivals.js';
import { exportedPath, exportedPathIfAny } from '../../../src/serve/exports/variables.js';
import { parseSurvey } from '../../../src/serve/storage/survey-text.js';
import { backingOf, entryOf } from './entries.js';
import { hostOf, refused } from './hosts.js';

const GONE = refused('ip', 'Cannot open network namespace "lab": No such file or directory');

test('a loop device that is not attached is none; one that can not be asked for is an error', async (t) => {
  const entry = entryOf({ backing: backingOf({ loop: true }) });
  const none = await EntryStore.open(hostOf({ run: { sh: '' } }));
  t.is(await exportedPathIfAny(none, entry), undefined);
  await t.throwsAsync(exportedPath(none, entry), { message: /none is attached/ });
  const silent = await EntryStore.open(hostOf({ run: { sh: refused('sh') } }));
  await t.throwsAsync(exportedPathIfAny(silent, entry), { instanceOf: CommandError });
});

test('what a survey has seen of loop devices is not asked again for each export', async (t) => {
  const silent = await EntryStore.open(hostOf({ run: { sh: refused('sh') } }));
  const identity = { kind: 'file', bootId: 'boot', dev: '8:1', inode: '12', birth: null } as const;
  const entry = entryOf({ backing: backingOf({ loop: true, identity }) });
  const seen = (losetup: string) => {
    const text = ['@blocks', 'loop3/dev:7:3', 'loop3/loop/backing_file:/srv/disk', '@loops', losetup, '@end'];
    return ownLoops(silent, entry, async () => loopsIn(parseSurvey(text.join('\n'), [])));
  };
  t.deepEqual(await seen('/dev/loop3 12 8:1'), ['/dev/loop3']);
  t.deepEqual(await seen('/dev/loop3 13 8:1'), []);
  // A losetup that tells no numbers: the name is what there is.
  t.deepEqual(await seen(''), ['/dev/loop3']);
});

test('of loop devices on one file, the one that was attached for an export is its own', async (t) => {
  const silent = await EntryStore.open(hostOf({ run: { sh: refused('sh') } }));
  const identity = { kind: 'file', bootId: 'boot', dev: '8:1', inode: '12', birth: null } as const;
  const id = { dev: '8:1', inode: '12' };
  const all = ['/dev/loop3', '/dev/loop4', '/dev/loop5'].map((device) => ({ device, file: '/srv/disk', id }));
  const own = (part: object) =>
    ownLoops(silent, entryOf({ backing: backingOf({ loop: true, identity, ...part }) }), async () => all);
  t.deepEqual(await own({ loopsBefore: ['/dev/loop3'], attached: '/dev/loop4' }), ['/dev/loop4']);
  t.deepEqual(await own({ attached: '/dev/loop9' }), []);
  // Whoever attached it was killed before it was written.
  t.deepEqual(await own({ loopsBefore: ['/dev/loop3', '/dev/loop5'] }), ['/dev/loop4']);
});

test('a name is looked for among altnames, unless the host can not list them', async (t) => {
  const names = ['e0.1@enp3s0%lab'];
  t.deepEqual(await byRealNames(hostOf({ run: { ip: GONE } }), [], names), names);
  await t.throwsAsync(byRealNames(hostOf({ run: { ip: refused('ip') } }), [], names), {
    message: /ip\(8\) can not/,
  });
  // One that an entry has needs no asking.
  const known = ['e0.1@eth0'];
  t.deepEqual(await byRealNames(hostOf({ run: { ip: refused('ip') } }), [entryOf({})], known), known);
});

test('interfaces that can not be listed make no stranger of our own other one', async (t) => {
  const entry = entryOf({});
  const other = entryOf({ iface: 'eth1', netns: 'lab' });
  const networkOf = (ip: Error) => new Network(hostOf({ run: { ip, sh: '' } }), async () => []);
  t.is((await macsBeside([entry, other], networkOf(GONE), entry)).size, 0);
  await t.throwsAsync(macsBeside([entry, other], networkOf(refused('ip')), entry));
  const host = hostOf({ run: { ip: refused('ip'), sh: '' } });
  const hostSnapshot = new HostSnapshot(host, new Network(host, async () => []), [entry, other]);
  const { wire, faults } = await hostSnapshot.place(entry, [], true);
  t.is(wire.answer, 'unchecked');
  t.regex(wire.unchecked ?? '', /can't be looked at/);
  t.regex(faults[0]?.text ?? '', /its interface can't be looked at/);
});

const daemon = entryOf({
  implementation: 'native',
  control: { ...entryOf({}).control, shape: 'daemon', idle: 'ready' } as unknown as Control,
});

test('what a daemon tells of itself and can not be read is a fault, not nothing', async (t) => {
  const toldBy = (file?: string | Error) => {
    const host = hostOf({ files: file === undefined ? {} : { '/run/d/status.json': file } });
    return new HostSnapshot(host, new Network(host, async () => []), []).toldBy('/run/d', daemon, [7]);
  };
  t.is((await toldBy()).untold, undefined);
  t.regex((await toldBy('{"exports":')).untold ?? '', /^\/run\/d\/status\.json can't be read: /);
  t.regex((await toldBy(refused('cat'))).untold ?? '', /temporarily unavailable/);
});

test('whether an export was just used is not "no" where its daemon can not be asked', async (t) => {
  const exports = [{ shelf: 0, slot: 1, iface: 'eth0', usedAt: 95_000 }];
  const entry = { ...daemon, backing: backingOf({ kind: 'device' }) };
  const mark = driverFor(await EntryStore.open(hostOf({})), entry).mark(entry);
  const marked = (pid: number, value = ''): string => `/proc/${pid}/environ:AOE_LAB_RUN=${value}\0`;
  let calls = 0;
  const ask = async (status: string | Error, one = entry) => {
    const sh = (env: RunOptions['env']): string => {
      calls++;
      return `${marked(2, env?.AOE_LAB_RUN)}${marked(7, mark)}`;
    };
    // Its status of a process has no handler in it: it is not told to write another one.
    const files = { [`${mark}/status.json`]: status, '/proc/7/status': 'SigCgt: 0\n' };
    return recentlyUsed(await EntryStore.open(hostOf({ run: { sh }, files })), [one]);
  };
  const last = JSON.stringify({ pid: 7, at: 100_000, exports });
  t.deepEqual(await ask(last), [{ id: 'e0.1@eth0', seconds: 5 }]);
  // Of what it tells the time of its file says no more: others may have written to that.
  const unused = exports.map(({ usedAt: _, ...one }) => one);
  const before = calls;
  calls = 0;
  const ofFile = { ...daemon, backing: backingOf({ kind: 'file' }) };
  t.deepEqual(await ask(JSON.stringify({ pid: 7, at: 100_000, exports: unused }), ofFile), []);
  t.is(calls, before, 'its file was not looked at');
  await t.throwsAsync(ask('{'), { message: /can't be read/ });
  await t.throwsAsync(ask(refused('cat')), { instanceOf: CommandError });
});
