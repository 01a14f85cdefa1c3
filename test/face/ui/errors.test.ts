import test from 'ava';
import { LabError, MissingError, UsageError } from '../../../src/base/errors.js';
import { describeError, errorAsJson, exitCodeOf } from '../../../src/face/ui/errors.js';

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
const plain = (text: string) => text.replaceAll(/\u001b\[[\d;]+m/g, '');

test('an error says what was tried, what happened, what to do next, and where the log is', (t) => {
  const error = new LabError({
    tried: 'building x',
    happened: ['a.c:3: error: y', 'make: stop'],
    next: ['mend it', 'or ask'],
    log: '/tmp/x.log',
  });
  t.is(
    plain(describeError(error, false)),
    'error building x\n  a.c:3: error: y\n  make: stop\n  → mend it\n  → or ask\n  log: /tmp/x.log',
  );
});

test('a stack trace is shown only when asked for', (t) => {
  const error = new UsageError({ tried: 'a', happened: 'b' });
  t.notRegex(describeError(error, false), /at .*errors\.test/);
  t.regex(describeError(error, true), /errors\.test/);
});

test('a fault of our own is called one', (t) => {
  t.regex(describeError(new TypeError('x is undefined'), false), /fault of aoe-lab itself/);
  t.is(exitCodeOf(new TypeError('x')), 1);
});

test('exit codes come from the class', (t) => {
  t.is(exitCodeOf(new UsageError({ tried: 'a', happened: 'b' })), 2);
  t.is(exitCodeOf(new MissingError({ tried: 'a', happened: 'b', missing: ['c'] })), 3);
});

test('as JSON an error has its kind and its facts', (t) => {
  t.deepEqual(errorAsJson(new UsageError({ tried: 'a', happened: 'b', next: 'c' })), {
    error: { kind: 'UsageError', tried: 'a', happened: 'b', next: 'c', log: undefined },
  });
});
