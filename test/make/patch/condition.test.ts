import test from 'ava';
import fc from 'fast-check';
import { compareVersions, inRange, judge } from '../../../src/make/patch/condition.js';
import type { Condition } from '../../../src/make/recipe/schema.js';

const cases: [Condition | undefined, Parameters<typeof judge>[1], boolean, string][] = [
  [undefined, { release: '1' }, true, 'always'],
  [{}, { release: '1' }, true, 'always'],
  [{ kernel: '>=2.6.19 <2.6.33' }, { release: '1' }, false, 'no kernel was chosen'],
  [
    { kernel: '>=2.6.19 <2.6.33' },
    { release: '1', kernel: '6.1' },
    false,
    'kernel 6.1 is not >=2.6.19 <2.6.33',
  ],
  [
    { kernel: '>=2.6.19 <2.6.33' },
    { release: '1', kernel: '2.6.32.71' },
    true,
    'kernel 2.6.32.71 is >=2.6.19 <2.6.33',
  ],
  [
    { kernel: '>=2.6.19 <2.6.33' },
    { release: '1', kernel: '2.6.33' },
    false,
    'kernel 2.6.33 is not >=2.6.19 <2.6.33',
  ],
  [{ kernel: '>=6.1' }, { release: '1', kernel: '6.1.0-44-amd64' }, true, 'kernel 6.1.0-44-amd64 is >=6.1'],
  [{ compiler: '>=10' }, { release: '1' }, false, 'no compiler was found'],
  [{ compiler: '>=10' }, { release: '1', compiler: '9.4.0' }, false, 'compiler 9.4.0 is not >=10'],
  [{ libc: 'musl' }, { release: '1', libc: 'glibc' }, false, 'the C library is glibc, not musl'],
  [{ libc: 'musl' }, { release: '1' }, false, 'the C library is not known'],
  [{ release: ['2', '3'] }, { release: '1' }, false, 'release 1 is not 2 or 3'],
  [
    { release: ['1'], kernel: '>=2.6', libc: 'glibc' },
    { release: '1', kernel: '3.2', libc: 'glibc' },
    true,
    'release 1, kernel 3.2 is >=2.6, the C library is glibc',
  ],
];

for (const [condition, facts, applies, reason] of cases) {
  test(`${JSON.stringify(condition)} with ${JSON.stringify(facts)}: ${reason}`, (t) => {
    t.deepEqual(judge(condition, facts), { applies, reason });
  });
}

const version = fc.array(fc.nat(3000), { minLength: 1, maxLength: 5 });
const text = (parts: number[]) => parts.join('.');

test('comparison is an order: reflexive, antisymmetric, transitive', (t) => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      t.is(compareVersions(text(a), text(a)), 0);
      t.is(Math.sign(compareVersions(text(a), text(b))), -Math.sign(compareVersions(text(b), text(a))) + 0);
      if (compareVersions(text(a), text(b)) <= 0 && compareVersions(text(b), text(c)) <= 0) {
        t.true(compareVersions(text(a), text(c)) <= 0);
      }
    }),
  );
});

test('a part that is absent counts as 0', (t) => {
  fc.assert(
    fc.property(version, fc.nat(3), (a, zeros) => {
      t.is(compareVersions(text(a), text([...a, ...Array<number>(zeros).fill(0)])), 0);
    }),
  );
});

test('raising any part makes a version greater, whatever follows', (t) => {
  fc.assert(
    fc.property(version, fc.nat(4), version, (a, at, tail) => {
      const place = at % a.length;
      const greater = [...a.slice(0, place), (a[place] as number) + 1, ...tail];
      t.true(compareVersions(text(greater), text(a)) > 0);
    }),
  );
});

test('the five comparisons agree with the order, and joined ones all hold', (t) => {
  fc.assert(
    fc.property(version, version, (a, b) => {
      const order = compareVersions(text(a), text(b));
      t.is(inRange(text(a), `>=${text(b)}`), order >= 0);
      t.is(inRange(text(a), `<=${text(b)}`), order <= 0);
      t.is(inRange(text(a), `>${text(b)}`), order > 0);
      t.is(inRange(text(a), `<${text(b)}`), order < 0);
      t.is(inRange(text(a), `=${text(b)}`), order === 0);
      t.is(inRange(text(a), `>=${text(b)} <=${text(b)}`), order === 0);
    }),
  );
});
