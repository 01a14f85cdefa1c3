import test from 'ava';
import { createTwoFilesPatch, parsePatch } from 'diff';
import fc from 'fast-check';
import { applyHunks, HunkError } from '../../../src/make/patch/hunks.js';
import { splitLines } from '../../../src/make/patch/text.js';

function hunks(text: string) {
  return parsePatch(`--- a/f\n+++ b/f\n${text}`)[0]?.hunks ?? [];
}

function hunkError(t: { throws(call: () => unknown): unknown }, lines: string, diff: string): HunkError {
  const error = t.throws(() => applyHunks(splitLines(lines), hunks(diff)));
  if (!(error instanceof HunkError)) throw error;
  return error;
}

test('a line that differs is named with its number, what was expected and what was found', (t) => {
  const error = hunkError(t, 'one\ntwo\nTHREE\nfour\n', '@@ -2,2 +2,2 @@\n two\n-three\n+drei\n');
  t.is(error.line, 3);
  t.is(error.detail, 'hunk 1 of 1 does not apply\nexpected "three"\nfound "THREE"');
  t.false(error.alreadyThere);
});

test('a difference in blanks can be seen', (t) => {
  const error = hunkError(t, '\tone\n', '@@ -1 +1 @@\n-        one\n+zwei\n');
  t.is(error.detail, 'hunk 1 of 1 does not apply\nexpected "        one"\nfound "\\tone"');
});

test('a hunk below the end of the file says how long the file is', (t) => {
  const error = hunkError(t, 'one\n', '@@ -7 +7 @@\n-seven\n+sieben\n');
  t.is(error.line, 7);
  t.is(
    error.detail,
    'hunk 1 of 1 does not apply\nexpected "seven"\nfound the end of the file, which has 1 lines',
  );
});

test('a hunk whose result is there already is known as such', (t) => {
  t.true(hunkError(t, 'one\nzwei\n', '@@ -1,2 +1,2 @@\n one\n-two\n+zwei\n').alreadyThere);
});

test('a hunk that fits at several other lines is refused', (t) => {
  const error = hunkError(t, 'x\na\nx\na\n', '@@ -3 +3 @@\n-a\n+b\n');
  t.is(error.detail, 'hunk 1 of 1 does not fit there, and elsewhere at several lines: 2, 4');
});

test('a hunk must not reach back above the one before it', (t) => {
  const error = hunkError(t, 'a\nb\nc\n', '@@ -3 +3 @@\n-c\n+C\n@@ -4 +4 @@\n-a\n+A\n');
  t.regex(error.detail, /^hunk 2 of 2 does not apply/);
});

test('a missing newline at the end counts', (t) => {
  const error = hunkError(t, 'a', '@@ -1 +1 @@\n-a\n+b\n');
  t.is(error.detail, 'hunk 1 of 1 does not apply\nexpected "a"\nfound "a" without a newline');
});

test('a hunk that stands elsewhere is found, and later ones are expected as far off', (t) => {
  const result = applyHunks(
    splitLines('new\nnew\na\nb\nc\nx\nc\n'),
    hunks('@@ -1,2 +1,2 @@\n-a\n+A\n b\n@@ -3 +3 @@\n-c\n+C\n'),
  );
  t.is(result.lines.join(''), 'new\nnew\nA\nb\nC\nx\nc\n');
  t.deepEqual(result.offsets, [2, 2]);
  t.deepEqual(result.changed, [3, 5]);
});

test('lines are added without context where the header says', (t) => {
  const result = applyHunks(splitLines('a\nb\n'), hunks('@@ -1,0 +2,2 @@\n+x\n+y\n'));
  t.is(result.lines.join(''), 'a\nx\ny\nb\n');
  t.deepEqual(result.changed, [2]);
});

test('a CRLF file stays one, though the diff has LF', (t) => {
  const result = applyHunks(splitLines('a\r\nb\r\nc\r\n'), hunks('@@ -1,2 +1,3 @@\n a\n-b\n+B\n+BB\n'));
  t.is(result.lines.join(''), 'a\r\nB\r\nBB\r\nc\r\n');
});

test('the newline at the end of a file can be added and taken away', (t) => {
  const added = hunks('@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n');
  t.is(applyHunks(['a'], added).lines.join(''), 'a\n');
  const taken = hunks('@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n');
  t.is(applyHunks(['a\n'], taken).lines.join(''), 'a');
});

const latin1 = fc
  .array(fc.integer({ min: 0x20, max: 0xff }), { maxLength: 6 })
  .map((codes) => String.fromCharCode(...codes.filter((code) => code !== 0x85)));
const file = fc
  .record({
    lines: fc.array(fc.oneof(latin1, fc.constantFrom('', 'a', '}')), { maxLength: 30 }),
    end: fc.boolean(),
  })
  .map(({ lines, end }) => lines.join('\n') + (end && lines.length > 0 ? '\n' : ''));

test('what a diff of two texts says turns the one into the other, byte for byte', (t) => {
  fc.assert(
    fc.property(file, file, fc.nat(3), (before, after, context) => {
      const [parsed] = parsePatch(createTwoFilesPatch('a/f', 'b/f', before, after, '', '', { context }));
      const result = applyHunks(splitLines(before), parsed?.hunks ?? []);
      t.is(result.lines.join(''), after);
      t.true(result.offsets.every((offset) => offset === 0));
    }),
    { numRuns: 500 },
  );
});
