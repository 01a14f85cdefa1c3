import test from 'ava';
import { prometheus } from '../../src/native/metrics.js';
import { OBEYED } from '../obeyed.js';

test('labels are escaped as the text format has it, and what does not print is shown', (t) => {
  const counters = {
    ...{ requests: 1, reads: 0, writes: 0, flushes: 0, bytesRead: 0, bytesWritten: 0, refused: 0, unsent: 0 },
    ataErrors: { idNotFound: 0, uncorrectable: 0, aborted: 0 },
    aoeErrors: {},
  };
  const one = { shelf: 0, slot: 1, iface: 'e"\\\n\x1b[2J\u202e磁', path: 'ring', sectors: 8, counters };
  const text = prometheus({ exports: [one] as unknown as Parameters<typeof prometheus>[0]['exports'] });
  t.notRegex(text, OBEYED);
  t.true(text.includes('aoe_lab_sectors{export="e0.1",interface="e\\"\\\\\\\\n\\\\x1b[2J\\\\u202e磁"} 8\n'));
  for (const line of text.trimEnd().split('\n'))
    t.regex(line, /^(# |aoe_lab_\w+\{(\w+="([^"\\\n]|\\["\\n])*",?)+\} \d+$)/);
});
