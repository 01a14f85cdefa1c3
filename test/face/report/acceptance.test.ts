import test from 'ava';
import { acceptanceAsHtml } from '../../../src/face/report/acceptance-html.js';
import { acceptanceAsJunit } from '../../../src/face/report/acceptance-junit.js';
import { describeAcceptance } from '../../../src/face/ui/acceptance.js';
import type { AcceptanceReport } from '../../../src/prove/acceptance/acceptance.js';
import type { StepResult } from '../../../src/prove/acceptance/record.js';

const NASTY = `<b>"&'</b>\u0001\ud800 ]]> \u{1f4be}`;

function step(name: string, more: Partial<StepResult> = {}): StepResult {
  return { name, passed: true, skipped: false, seen: 'fine', seconds: 1.25, commands: [], ...more };
}

const REPORT: AcceptanceReport = {
  implementation: 'fake',
  release: '1',
  target: { place: 'guest', kernel: '6.1.0' },
  client: { driver: 'Linux aoe driver', kernel: '6.1.1' },
  mtu: 9000,
  passed: false,
  seconds: 61.5,
  setUpSeconds: 12.25,
  findings: [`found ${NASTY}`],
  trouble: ['WARNING: at fs/foo.c:1\nsecond line'],
  tests: [
    {
      name: 'basic',
      title: 'discovery',
      passed: false,
      skipped: false,
      seconds: 3,
      steps: [
        step('discover'),
        step('mount', { passed: false, skipped: true, seen: 'no <driver>' }),
        step('write', {
          passed: false,
          seen: NASTY,
          commands: [
            {
              host: 'guest client',
              argv: ['dd', `of=${NASTY}`],
              exitCode: 1,
              stdout: 'some output\n',
              stderr: NASTY,
              seconds: 0.5,
            },
          ],
        }),
      ],
    },
    {
      name: 'load',
      title: 'fio',
      passed: false,
      skipped: true,
      seconds: 0,
      steps: [step('fio', { passed: false, skipped: true, seen: 'no driver', seconds: 0 })],
    },
  ],
};
const GOOD: AcceptanceReport = {
  ...REPORT,
  implementation: 'good',
  passed: true,
  findings: [],
  trouble: [],
  tests: [
    {
      name: 'basic',
      title: 'discovery',
      passed: true,
      skipped: false,
      seconds: 2,
      steps: [step('discover')],
    },
  ],
};

test('JUnit: a suite for each test, steps as cases, skipped ones never as passed, kernels that complained as failed', (t) => {
  const xml = acceptanceAsJunit([REPORT, GOOD]);
  t.regex(xml, /<testsuites name="aoe-lab verify" tests="6" failures="2" skipped="2" time="5.000">/);
  t.deepEqual(
    [...xml.matchAll(/<testsuite name="([^"]*)" tests="(\d+)" failures="(\d+)" skipped="(\d+)"/g)].map(
      (match) => match.slice(1),
    ),
    [
      ['fake 1 basic', '3', '1', '1'],
      ['fake 1 load', '1', '0', '1'],
      ['fake 1 kernels', '1', '1', '0'],
      ['good 1 basic', '1', '0', '0'],
    ],
  );
  t.regex(
    xml,
    /<testcase name="mount" classname="fake.basic" time="1.250"><skipped message="no &lt;driver&gt;"\/>/,
  );
  t.regex(xml, /<testcase name="write"[^>]*><failure message="&lt;b&gt;/);
  t.regex(xml, /<system-out>guest client: dd of=&lt;b&gt;[^<]*\(exit code 1, 0.500 s\)&#10;some output/);
  t.regex(xml, /<failure message="a kernel complained">WARNING: at fs\/foo.c:1&#10;second line<\/failure>/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 forbids them
  t.notRegex(xml, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u);
});

test('HTML: one page that loads nothing; steps with their commands, output and seconds, as text', async (t) => {
  const html = await acceptanceAsHtml([REPORT, GOOD]);
  t.notRegex(html, /<(script|link|img|iframe)\b|src=|url\(|@import/i);
  t.false(html.includes('<b>'));
  t.regex(html, /<td>guest, Linux 6.1.0<\/td><td>Linux aoe driver, Linux 6.1.1<\/td>/);
  t.regex(html, /<code>dd of&#x3D;&lt;b&gt;[^<]*<\/code> <small>guest client, exit code 1, 0.50 s<\/small>/);
  t.regex(html, /<pre>some output\n&lt;b&gt;/);
  t.regex(html, /<td>no &lt;driver&gt;<\/td><td class="skipped">skipped<\/td><td class="number">1.3<\/td>/);
  t.regex(html, /<h3><span class="skipped">skipped<\/span> load: fio/);
  t.regex(html, /WARNING: at fs\/foo.c:1\nsecond line/);
  t.regex(html, /<strong>Finding:<\/strong> found &lt;b&gt;/);
  t.is(html.match(/<h2>/g)?.length, 2);
});

test('terminal: skipped steps are named with the reason, the table tells what failed', (t) => {
  const text = describeAcceptance([REPORT, GOOD]);
  t.regex(text, /skipped {2}basic, mount: no <driver>/);
  t.regex(text, /failed {2}basic, write: /);
  t.regex(text, /a kernel complained {2}WARNING/);
  t.regex(text, /failed, 1 of 3 steps skipped/);
  t.regex(text, /load: fio +│? *skipped/);
});
