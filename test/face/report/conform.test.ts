import test from 'ava';
import { conformAsHtml } from '../../../src/face/report/html.js';
import { conformAsJunit } from '../../../src/face/report/junit.js';
import { escapeXml } from '../../../src/face/report/xml.js';
import type { CaseResult, ConformReport } from '../../../src/prove/conform/results.js';

const NASTY = `<b>"&'</b>\u0001\ud800 ]]> \u{1f4be}`;

function result(name: string, more: Partial<CaseResult> = {}): CaseResult {
  return {
    name,
    rule: `rule ${NASTY}`,
    section: 'AoE 2.7',
    severity: 'must',
    outcome: 'passed',
    seen: '',
    duration: 1500,
    frames: [],
    framesLeftOut: 0,
    ...more,
  };
}

const REPORT: ConformReport = {
  implementation: 'fake',
  release: '1',
  target: { place: 'guest', kernel: '6.1.0' },
  trouble: [NASTY],
  total: 4,
  ran: 3,
  passed: 1,
  failed: 2,
  skipped: 1,
  known: 1,
  unexplained: 1,
  outdated: [],
  duration: 6000,
  cases: [
    result('header.Tag.Zero'),
    result('header.Tag.Bad', {
      outcome: 'crash',
      seen: NASTY,
      frames: [{ at: 1.5, direction: 'sent', text: NASTY, length: 60, hex: '00ff' }],
      framesLeftOut: 3,
    }),
    result('flush.Cache.Done', { outcome: 'failed', seen: 'ABRT', quirk: 'no-flush' }),
    result('masks.Read.Empty', { outcome: 'skipped', seen: 'no <masks>' }),
  ],
};

test('JUnit: suites by family, new failures as failures, known ones and skips as skipped', (t) => {
  const xml = conformAsJunit([REPORT]);
  t.regex(
    xml,
    /^<\?xml version="1.0" encoding="UTF-8"\?>\n<testsuites name="aoe-lab conform" tests="4" failures="1" skipped="2" time="6.000">/,
  );
  t.deepEqual(
    [...xml.matchAll(/<testsuite name="([^"]*)" tests="(\d+)" failures="(\d+)" skipped="(\d+)"/g)].map(
      (match) => match.slice(1),
    ),
    [
      ['fake 1 header', '2', '1', '0'],
      ['fake 1 flush', '1', '0', '1'],
      ['fake 1 masks', '1', '0', '1'],
    ],
  );
  t.regex(
    xml,
    /<testcase name="flush.Cache.Done" classname="fake.flush" time="1.500"><skipped message="known \(no-flush\): ABRT"\/>/,
  );
  t.regex(xml, /<skipped message="no &lt;masks&gt;"\/>/);
  t.regex(
    xml,
    /<failure message="&lt;b&gt;&quot;&amp;&#39;&lt;\/b&gt;\\x01\\ud800 \]\]&gt; \u{1f4be}" type="must crash">/u,
  );
});

test('JUnit: whatever was seen, tags and quotes are balanced and no character is forbidden', (t) => {
  const xml = conformAsJunit([REPORT]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 forbids them
  t.notRegex(xml, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/);
  t.notRegex(xml, /\p{Surrogate}/u);
  const open: string[] = [];
  for (const [, closing, name, selfClosed] of xml.matchAll(/<(\/?)(\w+)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (closing) t.is(open.pop(), name);
    else if (!selfClosed) open.push(name as string);
  }
  t.deepEqual(open, []);
  t.is(xml.replace(/<[^<>]*>/g, '').match(/[<>]/), null);
  t.is(escapeXml('a\u0000b\n"'), 'a\\x00b&#10;&quot;');
});

test('HTML: one page that loads nothing, and shows what was seen as text', async (t) => {
  const html = await conformAsHtml([REPORT]);
  t.notRegex(html, /<(script|link|img|iframe)\b|src=|url\(|@import/i);
  t.false(html.includes('<b>'));
  t.true(html.includes('&lt;b&gt;&quot;&amp;'));
  t.regex(html, /<td class="failed" title="[^"<>]*">crash<\/td>/);
  t.regex(html, /<td class="known" title="ABRT">known<\/td>/);
  t.regex(html, /<td class="skipped" title="no &lt;masks&gt;">skipped<\/td>/);
  t.regex(html, /60 bytes: 00ff/);
  t.regex(html, /and 3 more frames/);
  for (const { name } of REPORT.cases) t.true(html.includes(name));
});

test('HTML: several targets stand side by side, also where one lacks a case', async (t) => {
  const other = { ...REPORT, implementation: 'other', cases: [result('header.Tag.Zero')] };
  const html = await conformAsHtml([REPORT, other]);
  t.is(html.match(/<th>other 1<\/th>/g)?.length, 3);
  t.is(html.match(/<td class="none" title="not run"><\/td>/g)?.length, 3);
});
