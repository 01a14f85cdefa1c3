import test from 'ava';
import { Frames } from '../../../src/prove/conform/frames.js';
import { tagOf } from '../../../src/prove/conform/probe.js';

test('3: each request of the suite has a tag of its own that does not follow from the ones before', (t) => {
  const frames = new Frames(1, 2, { shelf: 0, slot: 1 });
  const tags = Array.from({ length: 2000 }, () => tagOf(frames.config()));
  t.is(new Set(tags).size, tags.length);
  t.true(new Set(tags.slice(1).map((tag, index) => tag - (tags[index] as number))).size > 1990);
});
