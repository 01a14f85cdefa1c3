import test from 'ava';
import { FaultsError } from '../../../src/base/errors.js';
import { listensIn } from '../../../src/prove/bench/contenders/server.js';
import { parseIscsiPerf } from '../../../src/prove/bench/contenders/tgt.js';
import { judge } from '../../../src/prove/bench/judge.js';
import { Patience } from '../../../src/prove/bench/patience.js';
import { sumUp } from '../../../src/prove/bench/results.js';
import { benchReport, measuredRun } from './samples.js';

test('rates are medians of the rounds, ratios are taken within a round', (t) => {
  const mine = [200, 400, 900].map((requests, round) => measuredRun({ round, requests }));
  const first = [100, 400, 300].map((requests, round) => measuredRun({ round, requests }));
  const result = sumUp('b', 1024, mine, first, undefined);
  t.like(result.iops, { median: 400, min: 200, max: 900 });
  t.is(result.throughput.median, 400 * 1024);
  t.like(result.ratio, { median: 2, min: 1, max: 3 });
  t.is(result.ofCeiling, undefined);
});

test('a round that the other one lacks, or in which it did nothing, gives no ratio', (t) => {
  const mine = [measuredRun({ round: 0, requests: 10 }), measuredRun({ round: 1, requests: 20 })];
  const other = [measuredRun({ round: 1, requests: 10 }), measuredRun({ round: 0, requests: 0 })];
  t.like(sumUp('b', 512, mine, other, []).ratio, { median: 2, min: 2, max: 2 });
  t.is(sumUp('b', 512, mine, [], []).ratio, undefined);
});

test('CPU time is divided by all requests of the run, the warm-up included', (t) => {
  const runs = [measuredRun({ cpu: 0.5, answered: 100_000, requests: 90_000 })];
  t.is(sumUp('a', 512, runs, runs, undefined).cpuPerRequest?.median, 5);
  const unknown = [measuredRun({ cpu: undefined }), measuredRun({ cpu: 1, answered: 0 })];
  t.is(sumUp('a', 512, unknown, unknown, undefined).cpuPerRequest, undefined);
});

test('counts are added up, the longest latency of all rounds is kept, the others are medians', (t) => {
  const latency = (p50: number, max: number) => ({ p50, p90: p50, p99: p50, p999: p50, max });
  const runs = [
    measuredRun({ lost: 1, wrong: 2, latency: latency(10, 500) }),
    measuredRun({ round: 1, lost: 2, wrong: 0, latency: latency(30, 90), example: 'sector 5' }),
    measuredRun({ round: 2, lost: 4, latency: latency(20, 80) }),
  ];
  const result = sumUp('a', 512, runs, runs, runs);
  t.like(result, { lost: 7, wrong: 2, example: 'sector 5', latency: { p50: 20, max: 500 } });
  t.is(result.ofCeiling?.median, 1);
});

test('wrong data and silence are faults; slowness, losses and skipped points are not', (t) => {
  const report = (runs: ReturnType<typeof measuredRun>[]) => benchReport({ a: runs });
  t.notThrows(() => judge(report([measuredRun({ requests: 1, lost: 1000 })])));
  t.throws(() => judge(report([measuredRun({ wrong: 1, example: 'sector 9' })])), {
    instanceOf: FaultsError,
    message: /a: 1 wrong answers; the first: sector 9/,
  });
  t.throws(() => judge(report([measuredRun({ requests: 0, answered: 0 })])), {
    message: /a answered nothing/,
  });
});

test('what iscsi-perf prints: the last average counts, and no average is an error', (t) => {
  t.is(parseIscsiPerf('iops average 100 (0 MB/s)  \riops average 19246 (18 MB/s)   \n\nfinished.\n'), 19246);
  t.throws(() => parseIscsiPerf('failed to connect'), { message: /failed to connect/ });
});

test('a listener is found in /proc/net/tcp, a connection is none', (t) => {
  const text = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:2A39 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0',
    '   1: 0100007F:0CBC 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0',
  ].join('\n');
  t.deepEqual(
    [10809, 3260, 39321].map((port) => listensIn(text, port)),
    [true, false, false],
  );
});

test('patience follows the answers: short ones leave it at 100 ms, long ones stretch it, to 2 s at most', (t) => {
  const patience = new Patience();
  t.is(patience.limit, 100);
  for (let count = 0; count < 100; count++) patience.heard(0.05);
  t.is(patience.limit, 100);
  for (let count = 0; count < 100; count++) patience.heard(200);
  t.true(patience.limit >= 400 && patience.limit < 450);
  for (let count = 0; count < 100; count++) patience.heard(5000);
  t.is(patience.limit, 2000);
});

test('overall a contender is the geometric mean of its points; one that was nowhere measured has none', (t) => {
  const { overall, points } = benchReport({
    a: [measuredRun({ requests: 100 })],
    b: [measuredRun({ requests: 400 })],
    c: [],
  });
  t.is(points.length, 1);
  t.deepEqual(
    overall.map(({ contender, ratio, ofCeiling }) => [
      contender,
      ratio && Math.round(ratio * 1000),
      ofCeiling,
    ]),
    [
      ['a', 1000, null],
      ['b', 4000, null],
      ['c', null, null],
    ],
  );
});
