import test from 'ava';
import { summarize } from '../../../src/serve/migrate/gap.js';

const sent = [0, 5, 10, 15, 40, 45, 50];

test('all answered: no gap', (t) => {
  t.like(
    summarize(
      sent,
      sent.map(() => true),
    ),
    { requests: 7, unanswered: 0, longest: 0, coarsest: 25 },
  );
});

test('a gap lasts from the first request without an answer to the next one with', (t) => {
  t.like(summarize(sent, [true, true, undefined, undefined, true, true, true]), {
    unanswered: 2,
    longest: 30,
  });
});

test('of several gaps the longest counts, and they are not added up', (t) => {
  t.like(summarize(sent, [true, false, true, false, false, true, true]), { unanswered: 3, longest: 30 });
});

test('one that does not end lasts to the last request', (t) => {
  t.like(summarize(sent, [true, true, true, true, true, false, false]), { unanswered: 2, longest: 5 });
});
