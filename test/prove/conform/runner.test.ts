import test from 'ava';
import { type ConformCase, must, should } from '../../../src/prove/conform/case.js';
import { content, fresh } from '../../../src/prove/conform/content.js';
import { hasNewFaults } from '../../../src/prove/conform/results.js';
import { runCases } from '../../../src/prove/conform/runner.js';
import { FakeDut } from './fake-dut.js';

const ok = (name: string): ConformCase =>
  must(name, 'A query is answered', 'test', async (probe) =>
    probe.noError(await probe.ask(probe.to.config())),
  );

const wrong = (name: string, declare = must): ConformCase =>
  declare(name, 'Two is three', 'test', async (probe) => probe.equal(2, 3, 'two'));

const run = (
  dut: FakeDut,
  cases: ConformCase[],
  quirks: { id: string; text: string; cases: string[] }[] = [],
) => runCases(dut, cases, { quirks });

test('a case that ends the target fails as a crash, the target comes back, and the suite goes on', async (t) => {
  const dut = new FakeDut();
  const crasher = must('t.Crash.One', 'It lives on', 'test', async (probe) => {
    dut.crash();
    probe.noError(await probe.ask(probe.to.config()));
  });
  const report = await run(dut, [ok('t.Before.One'), crasher, ok('t.After.One')]);
  t.deepEqual(
    report.cases.map(({ outcome }) => outcome),
    ['passed', 'crash', 'passed'],
  );
  t.regex(report.cases[1]?.seen ?? '', /^its process ended; no answer, nor one to a plain query$/);
  t.is(dut.revived, 1);
  t.like(report, { total: 3, ran: 3, passed: 2, failed: 1, unexplained: 1, skipped: 0 });
});

test('a target that ends after a case that passed is a crash all the same', async (t) => {
  const dut = new FakeDut();
  const crasher = must('t.Crash.Late', 'It lives on', 'test', async () => dut.crash());
  const report = await run(dut, [crasher, ok('t.After.One')]);
  t.deepEqual(
    report.cases.map(({ outcome, seen }) => [outcome, seen]),
    [
      ['crash', 'its process ended'],
      ['passed', ''],
    ],
  );
});

test('a case that makes the target deaf fails as a hang, and the suite goes on', async (t) => {
  const dut = new FakeDut();
  const hanger = must('t.Hang.One', 'It lives on', 'test', async () => {
    dut.fake.deaf = true;
  });
  const report = await run(dut, [hanger, ok('t.After.One')]);
  t.deepEqual(
    report.cases.map(({ outcome, seen }) => [outcome, seen]),
    [
      ['hang', 'it answers nothing any more'],
      ['passed', ''],
    ],
  );
  t.is(dut.revived, 1);
});

test('the time that a restart takes is no time of the case; all else is', async (t) => {
  const dut = new FakeDut();
  dut.patience = 2000;
  dut.revival = 2500;
  const restarted = must('t.Restart.Slow', 'It comes back', 'test', async (probe) => {
    await probe.revive();
    await probe.revive();
  });
  const endless = must('t.Hang.Case', 'It comes to an end', 'test', async (probe) => {
    await probe.revive();
    await new Promise(() => {});
  });
  const report = await run(dut, [restarted, endless, ok('t.After.One')]);
  t.deepEqual(
    report.cases.map(({ outcome, seen }) => [outcome, seen]),
    [
      ['passed', ''],
      ['failed', 'not done after 2 s'],
      ['passed', ''],
    ],
  );
});

test('a run in which nothing ran is a fault', async (t) => {
  const skipped = must('t.Skip.One', 'It has lists', 'test', async () => {}, 'masks');
  const report = await run(new FakeDut(), [skipped]);
  t.like(report, { total: 1, ran: 0, passed: 0, failed: 0, skipped: 1 });
  t.regex(report.cases[0]?.seen ?? '', /the target has no MAC mask list/);
  t.true(hasNewFaults(report));
  t.true(hasNewFaults(await run(new FakeDut(), [])));
});

test('a kernel that complained is a fault, whatever the cases say', async (t) => {
  const dut = new FakeDut();
  dut.complaints.push('WARNING: at foo.c:1');
  const report = await run(dut, [ok('t.Good.One')]);
  t.like(report, { passed: 1, failed: 0, target: dut.target, trouble: dut.complaints });
  t.true(hasNewFaults(report));
});

test('what a quirk names is known, the rest is not, and a quirk whose cases pass is outdated', async (t) => {
  const cases = [wrong('t.Known.One'), wrong('t.Known.Two'), ok('t.Good.One'), wrong('t.New.One', should)];
  const report = await run(new FakeDut(), cases, [
    { id: 'sums', text: '', cases: ['t.Known.*'] },
    { id: 'healed', text: '', cases: ['t.Good.One'] },
    { id: 'not-asked', text: '', cases: ['elsewhere.*'] },
  ]);
  t.like(report, { total: 4, ran: 4, passed: 1, failed: 3, known: 2, unexplained: 1, skipped: 0 });
  t.deepEqual(report.outdated, ['healed']);
  t.deepEqual(
    report.cases.map(({ quirk }) => quirk),
    ['sums', 'sums', undefined, undefined],
  );
  t.is(report.cases[0]?.seen, 'two: 2 instead of 3');
  t.false(hasNewFaults(report), 'a should-case alone is no new fault');
  t.true(hasNewFaults(await run(new FakeDut(), [wrong('t.New.Must')])));
});

test('what a case leaves behind is taken away before the next', async (t) => {
  const dut = new FakeDut();
  const leaver = must('t.Leave.One', 'It changes things', 'test', async (probe) => {
    await probe.ask(probe.to.config(4, 'left'));
    await probe.write(3, fresh(3, 2));
  });
  const checker = must('t.Leave.Two', 'Nothing is left', 'test', async (probe) => {
    probe.equal(probe.configString(await probe.ask(probe.to.config())).length, 0, 'config string');
    probe.sameBytes(await probe.read(3, 2), content(3, 2), 'sectors');
  });
  const report = await run(dut, [leaver, checker]);
  t.like(report, { passed: 2, failed: 0 });
  t.is(dut.renewed, 0);
});

test('the file is looked at closely only after a case that could have changed it', async (t) => {
  const dut = new FakeDut();
  const writer = must('t.Write.One', 'It writes', 'test', async (probe) => {
    await probe.write(3, fresh(3, 2));
    // What is forgotten of a case's frames was sent all the same.
    probe.log.begin();
  });
  const odd = must('t.Odd.One', 'It lives on', 'test', async (probe) => {
    await probe.untilQuiet(Buffer.alloc(60));
  });
  const reader = must('t.Read.One', 'It reads', 'test', async (probe) => {
    await probe.read(3, 2);
  });
  await run(dut, [reader, writer, reader, ok('t.Query.One'), odd]);
  t.deepEqual(dut.resets, [undefined, false, true, false, false, true]);
});

test('a target that does not let go of its state is made anew', async (t) => {
  const dut = new FakeDut();
  const leaver = must('t.Leave.One', 'It sticks', 'test', async (probe) => {
    dut.fake.configString = Buffer.from('sticks');
    const { fake } = dut;
    fake.options.answer = (request) =>
      request.kind === 'config' && request.config.ccmd === 4
        ? {
            ...fake.envelope(request),
            kind: 'config',
            config: { ...request.config, string: fake.configString },
          }
        : undefined;
    probe.noError(await probe.ask(probe.to.config()));
  });
  const report = await run(dut, [leaver, ok('t.After.One')]);
  t.like(report, { passed: 2 });
  t.is(dut.renewed, 1);
});

test('an error in a case itself is told as such, and does not end the run', async (t) => {
  const broken = must('t.Broken.One', 'It throws', 'test', async () => {
    throw new TypeError('a mistake');
  });
  const report = await run(new FakeDut(), [broken, ok('t.After.One')]);
  t.is(report.cases[0]?.outcome, 'failed');
  t.is(report.cases[0]?.seen, 'the case itself failed: a mistake');
  t.is(report.cases[1]?.outcome, 'passed');
});

test('the frames of a case are in its result, in order and in words, plain queries of the runner are not', async (t) => {
  const reader = must('t.Read.One', 'It reads', 'test', async (probe) => {
    await probe.read(5, 2);
  });
  const [result] = (await run(new FakeDut(), [reader])).cases;
  t.deepEqual(
    result?.frames.map(({ direction, text }) => [direction, text.replace(/ [0-9a-f]{8} /, ' TAG ')]),
    [
      ['sent', 'e7.3 request TAG read 2 sectors at LBA 5'],
      ['received', 'e7.3 response TAG read 2 sectors at LBA 5: 2 sectors of data'],
    ],
  );
  t.is(result?.frames[0]?.length, 60);
  t.is(result?.frames[0]?.hex.slice(24, 28), '88a2');
  t.is(result?.framesLeftOut, 0);
});

test('a silence that is broken, and an answer that is missing, are told', async (t) => {
  const dut = new FakeDut();
  const loud = must('t.Loud.One', 'A query is not answered', 'test', (probe) =>
    probe.silent(probe.to.config()),
  );
  const mute = must('t.Mute.One', 'A mask list is answered', 'test', async (probe) => {
    await probe.ask(probe.to.mask(0));
  });
  const report = await run(dut, [loud, mute]);
  t.regex(report.cases[0]?.seen ?? '', /^it was answered: config ""/);
  t.is(report.cases[1]?.seen, 'no answer, though a plain query after it was answered');
  // It was asked twice, as a frame may be lost.
  t.is(report.cases[1]?.frames.filter(({ direction }) => direction === 'sent').length, 2);
});
