import test from 'ava';
import { findingsOf, isKnown, withoutKnown } from '../../../src/prove/acceptance/known.js';

/** As Linux 7.2.13 wrote it during a run. */
const WARNING = [
  '[   39.252000] ------------[ cut here ]------------',
  '[   39.252403] WARNING: include/linux/mm.h:2092 at pskb_expand_head+0x2b6/0x3f0, CPU#0: aoe_tx0/139',
  '[   39.252500] CPU: 0 UID: 0 PID: 139 Comm: aoe_tx0 Not tainted 7.2.13+deb14-amd64 #1 PREEMPT(lazy)',
  '[   39.273189] Call Trace:',
  '[   39.273200]  __pskb_pull_tail+0x67/0x600',
  '[   39.273300] ---[ end trace 0000000000000000 ]---',
];

test('what the aoe driver of the client is known for is left out, and no more than that', (t) => {
  const before = '[   39.0] aoe: e0.1: setting 8704 byte data frames';
  const after = '[   40.0] Buffer I/O error on dev etherd/e0.1';
  t.deepEqual(withoutKnown([before, ...WARNING, after]), [before, WARNING[0], after]);
  t.deepEqual(withoutKnown(WARNING.slice(0, -1)), [WARNING[0], ...WARNING.slice(2, -1)], 'no end: one line');
});

test('the same warning from another place is not known', (t) => {
  const [, line = ''] = WARNING;
  t.true(isKnown(`guest client: ${line}\nCall Trace:`));
  for (const other of [
    line.replace('aoe_tx0/139', 'kaoed[0:1]/77'),
    line.replace('pskb_expand_head', 'skb_clone'),
    `BUG: something else\n${line}`,
  ]) {
    t.false(isKnown(other), other);
    if (!other.startsWith('BUG')) t.deepEqual(withoutKnown([other]), [other]);
  }
});

test('a client whose driver sleeps in its timer is told of, and only that one', (t) => {
  // As Linux 5.10.262 wrote it during a run.
  const sleeping = [
    'guest client: BUG: scheduling while atomic: swapper/1/0/0x00000100',
    'Call Trace:',
    ' blk_mq_freeze_queue_wait+0x66/0xa0',
    ' aoedev_downdev+0x257/0x2c0 [aoe]',
  ].join('\n');
  const [finding = '', ...others] = findingsOf([sleeping, sleeping]);
  t.regex(finding, /aoedev_downdev.*--client-kernel 6\.1/);
  t.deepEqual(others, []);
  t.false(isKnown(sleeping), 'it stays trouble');
  t.deepEqual(findingsOf([sleeping.replace('aoedev_downdev', 'kvblade_rcv'), 'aoedev_downdev']), []);
  t.is(findingsOf([`guest client: ${WARNING[1]}`, sleeping]).length, 2);
});
