/** What is told of stations that are limited (HOSTILE 4). */
import test from 'ava';
import { NO_QUOTAS, type Quotas } from '../../../src/wire/link/own-vlan.js';
import { describeLimits, LimitsLog, toldLimits } from '../../../src/wire/native/limits.js';

const FLOOD: Quotas = {
  stations: [
    { mac: 0x02_00_00_00_00_0a, part: 0.004 },
    { mac: 0x02_00_00_00_00_0b, part: 1 },
    { mac: 0x02_00_00_00_00_0c, part: 0.37 },
  ],
  others: 0.5,
};

test('HOSTILE 4: status names the stations that are limited, and not those that pass', (t) => {
  const { limits } = toldLimits(FLOOD);
  t.deepEqual(
    limits?.stations.map(({ mac }) => mac),
    ['02:00:00:00:00:0a', '02:00:00:00:00:0c'],
  );
  t.is(
    limits && describeLimits(limits),
    'more frames come than can be handled: limited are 02:00:00:00:00:0a (less than 1 % of its frames pass), 02:00:00:00:00:0c (37 % of its frames pass), stations not heard before (50 %)',
  );
  for (const none of [undefined, NO_QUOTAS]) t.deepEqual(toldLimits(none), {});
});

test('HOSTILE 4: the log tells once that stations are limited, and once that none is any more', (t) => {
  const lines: string[] = [];
  const log = new LimitsLog((line) => lines.push(line));
  for (const quotas of [undefined, NO_QUOTAS, FLOOD, FLOOD, NO_QUOTAS, NO_QUOTAS]) log.tell('eth0', quotas);
  t.is(lines.length, 2);
  t.regex(lines[0] ?? '', /^eth0: more frames come than can be handled: limited are 02:/);
  t.is(lines[1], 'eth0: no station is limited any more');
});
