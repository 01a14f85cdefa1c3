import test from 'ava';
import { benchHtml } from '../../../src/face/report/bench-html.js';
import { benchSvg } from '../../../src/face/report/bench-svg.js';
import { describeBench } from '../../../src/face/ui/bench.js';
import { benchReport, measuredRun } from '../../prove/bench/samples.js';

const EVIL = '<script>"&\'\u0000\u001b[31m';

/** Throws unless every element is closed in order and text holds no bare "<" or "&". */
function assertWellFormed(xml: string): void {
  const open: string[] = [];
  const tag = /<(\/?)([a-zA-Z]+)((?:\s+[a-zA-Z][a-zA-Z0-9-]*="[^"<]*")*)\s*(\/?)>/y;
  for (let at = 0; at < xml.length; ) {
    if (xml[at] === '<') {
      tag.lastIndex = at;
      const match = tag.exec(xml);
      if (match === null) throw new Error(`no tag at ${xml.slice(at, at + 40)}`);
      const [whole, closes, name, attributes, empty] = match as unknown as [
        string,
        string,
        string,
        string,
        string,
      ];
      if (closes !== '' && open.pop() !== name) throw new Error(`${name} is closed out of order`);
      if (closes === '' && empty === '') open.push(name);
      assertText(attributes);
      at += whole.length;
    } else {
      const end = xml.indexOf('<', at);
      assertText(xml.slice(at, end < 0 ? undefined : end));
      at = end < 0 ? xml.length : end;
    }
  }
  if (open.length > 0) throw new Error(`left open: ${open.join(' ')}`);
}

function assertText(text: string): void {
  if (/&(?!(amp|lt|gt|quot|#39);)/.test(text)) throw new Error(`a bare & in ${text}`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(text))
    throw new Error('a character XML does not allow');
}

const fine = () =>
  benchReport({
    vblade: [measuredRun({ requests: 100_000 }), measuredRun({ round: 1, requests: 120_000 })],
    native: [measuredRun({ requests: 150_000 }), measuredRun({ round: 1, requests: 180_000 })],
    qaoed: [],
  });

test('the check of these tests finds what is not well-formed', (t) => {
  for (const bad of ['<a>', '<a></b>', 'a & b', '<a b="<"/>', '<a b=c/>', '\u0001']) {
    t.throws(() => assertWellFormed(bad), undefined, bad);
  }
  t.notThrows(() => assertWellFormed('<a b="&amp;"><c/>x</a>'));
});

test('the picture is well-formed: a bar for each that was measured, words for one that was not', (t) => {
  const svg = benchSvg(fine());
  assertWellFormed(svg);
  t.is(svg.match(/<g>/g)?.length, 2);
  t.true(svg.includes('qaoed: it takes &lt;2 sectors &amp; no more'));
  t.true(svg.includes('vblade: 110 (100…120)'));
  t.true(svg.includes('165 · 1.50'));
  t.regex(svg, /@media \(prefers-color-scheme:dark\)/);
});

test('names that look like markup do no harm in the picture', (t) => {
  const svg = benchSvg(benchReport({ [EVIL]: [measuredRun({})], b: [] }));
  assertWellFormed(svg);
  t.false(svg.includes('<script'));
});

test('nothing at all, and nothing but zero, can be drawn', (t) => {
  assertWellFormed(benchSvg({ ...benchReport({}), points: [] }));
  const svg = benchSvg(benchReport({ a: [measuredRun({ requests: 0 })] }));
  assertWellFormed(svg);
  t.false(/NaN|Infinity/.test(svg));
});

test('the page holds the picture and the figures, asks for nothing from elsewhere, and escapes', async (t) => {
  const html = await benchHtml(fine());
  t.is(html.match(/<svg/g)?.length, 1);
  t.true(html.includes('<td class="number">110000</td>'));
  t.true(html.includes('it takes &lt;2 sectors &amp; no more'));
  t.true(html.includes('a &quot;note&quot; with &lt;b&gt;'));
  t.false(/(src|href)=|@import|url\(/.test(html));
  t.false((await benchHtml(benchReport({ [EVIL]: [measuredRun({})] }))).includes('<script'));
});

test('the table names each target at each point, why one has no figures, and what went wrong', (t) => {
  const report = benchReport({
    vblade: [measuredRun({ requests: 50_000, lost: 3, wrong: 1, example: 'sector 9: other data' })],
    qaoed: [],
  });
  const text = describeBench(report);
  t.regex(text, /1 KiB read, depth 1 +vblade +50\.0 +50\.0…50\.0 +51 .* 3 +1\.00/);
  t.regex(text, /qaoed, where it has no figures: it takes <2 sectors/);
  t.regex(text, /vblade: 1 wrong answers.*the first: sector 9: other data/);
});
