import { readFileSync } from 'node:fs';
import test from 'ava';
import { describeRights } from '../../../src/face/ui/rights.js';
import { here } from '../../../src/hosts/host/local.js';
import { parseRights, rightsOf, togetherMay } from '../../../src/serve/exports/process-rights.js';

const RECORDED = `process 12
State:	S (sleeping)
CapInh:	0000000000000000
CapPrm:	0000000000002002
CapEff:	0000000000002002
CapBnd:	0000000000002002
NoNewPrivs:	1
Seccomp:	2
process 14
process 15
Name:	sh
CapPrm:	000001ffffffffff
NoNewPrivs:	0
Seccomp:	0
`;

test('capabilities are named; one that has ended, and names of processes, are told from what is said', (t) => {
  const rights = parseRights(RECORDED);
  t.deepEqual([...rights.keys()], [12, 15]);
  t.deepEqual(rights.get(12), {
    capabilities: ['dac_override', 'net_raw'],
    noNewPrivileges: true,
    seccomp: true,
  });
  t.is(rights.get(15)?.capabilities.length, 41);
  t.is(rights.get(15)?.capabilities.at(-1), 'checkpoint_restore');
});

test('of several processes it is what any of them may, and nothing where one is unknown', (t) => {
  const rights = parseRights(RECORDED);
  t.like(togetherMay([12], rights), { noNewPrivileges: true, seccomp: true });
  t.like(togetherMay([12, 15], rights), { noNewPrivileges: false, seccomp: false });
  t.is(togetherMay([12, 14], rights), null);
  t.is(togetherMay([], rights), null);
});

test('in words', (t) => {
  const rights = parseRights(RECORDED);
  const words = [12, 15].map((pid) =>
    describeRights(rights.get(pid) as NonNullable<ReturnType<typeof togetherMay>>),
  );
  t.deepEqual(words, [
    'dac_override, net_raw; gains none; system calls filtered',
    'all that root may (41 capabilities); may gain others',
  ]);
});

test('a process that runs here is told as the system tells it', async (t) => {
  if (process.platform !== 'linux') {
    t.pass('not Linux');
    return;
  }
  const own = (await rightsOf(here, [process.pid])).get(process.pid);
  const told = /^CapPrm:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  t.is(own?.capabilities.length, BigInt(`0x${told}`).toString(2).replaceAll('0', '').length);
});
