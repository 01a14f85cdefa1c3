import { execFileSync } from 'node:child_process';
import test from 'ava';
import fc from 'fast-check';
import { quote, quoteArgv, showArgv } from '../../../src/hosts/host/quote.js';
import { OBEYED } from '../../face/ui/obeyed.js';

test('plain words stay as they are', (t) => {
  t.is(
    quoteArgv(['losetup', '--find', '/dev/loop0', 'a=b', 'e0.1@eth0']),
    'losetup --find /dev/loop0 a=b e0.1@eth0',
  );
});

test('an empty word, blanks and quotes are quoted', (t) => {
  t.is(quote(''), "''");
  t.is(quote("it's"), `'it'\\''s'`);
  t.is(quote('$(reboot)'), "'$(reboot)'");
});

test('a shell reads back every word as it was', (t) => {
  const word = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
      const command = `for word in ${quoteArgv(words)}; do printf '%s\\0' "$word"; done`;
      const out = execFileSync('sh', ['-c', command], { encoding: 'utf8' });
      t.deepEqual(out.split('\0').slice(0, -1), words);
    }),
    { numRuns: 50 },
  );
});

test('a word that is shown can be pasted: bash reads it as it was, and a terminal obeys nothing of it', (t) => {
  const word = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'));
  const bash = (words: readonly string[]) =>
    execFileSync('bash', ['-c', `for word in ${showArgv(words)}; do printf '%s\\0' "$word"; done`], {
      encoding: 'utf8',
    });
  for (const words of [["it's \x1b[31m\\", '\u202e磁盘', 'a\nb\tc', '\x85'], ['plain']]) {
    t.deepEqual(bash(words).split('\0').slice(0, -1), words);
  }
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
      t.notRegex(showArgv(words), OBEYED);
      t.deepEqual(bash(words).split('\0').slice(0, -1), words);
    }),
    { numRuns: 50 },
  );
});
