import test from 'ava';
import { daemonStatus } from '../../../src/serve/exports/daemon-status.js';
import { hostOf } from './hosts.js';

const STAT = `7 (node) S 1 7 7 0 -1 4194560 ${'0 '.repeat(12)}4711 1 2`;

test('a status file is believed of the process alone that has written it, in this boot', async (t) => {
  const told = async (status: object, pids = [7]) => {
    const files = { '/run/d/status.json': JSON.stringify(status), '/proc/7/stat': STAT };
    return (await daemonStatus(hostOf({ files, bootId: 'now' }), '/run/d', pids)) !== undefined;
  };
  t.true(await told({ pid: 7, began: 'now 4711' }));
  t.false(await told({ pid: 7, began: 'before 4711' }), 'of a process with the same id, before the reboot');
  t.false(await told({ pid: 7, began: 'now 12' }), 'of one that ended, whose id is used again');
  t.false(await told({ pid: 8, began: 'now 4711' }), 'of one that is not of the daemon');
  t.false(await told({ pid: 7, began: 'now 4711' }, []), 'of a daemon that does not run');
  t.true(await told({ pid: 7 }), 'of an earlier version, which did not tell');
});

test('no status file is nothing told, and one that can not be read is no answer', async (t) => {
  t.is(await daemonStatus(hostOf({}), '/run/d', [7]), undefined);
  const files = { '/run/d/status.json': '{' };
  await t.throwsAsync(daemonStatus(hostOf({ files }), '/run/d', [7]), { instanceOf: SyntaxError });
});
