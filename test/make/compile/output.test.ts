import test from 'ava';
import { countWarnings, firstError, undefinedSymbols } from '../../../src/make/compile/output.js';

const cases: [string, string, string | undefined][] = [
  ['nothing', 'cc -c a.c\n', undefined],
  [
    "the compiler's comes before the linker's and make's, with the lines that belong to it",
    [
      'make: *** [Makefile:3: all] Error 1',
      'a.c: In function main:',
      'a.c:1:2: warning: unused [-Wunused]',
      "a.c:7:3: error: 'x' undeclared",
      '    7 |   x = 1;',
      '      |   ^',
      'a.c:9:1: error: second',
    ].join('\n'),
    "a.c:7:3: error: 'x' undeclared\n    7 |   x = 1;\n      |   ^",
  ],
  [
    'a fatal one',
    'b.h:2:10: fatal error: glib.h: No such file',
    'b.h:2:10: fatal error: glib.h: No such file',
  ],
  [
    "the linker's",
    "/usr/bin/ld: a.o: in function `main':\na.c:(.text+0x9): undefined reference to `f'\ncollect2: error: ld returned 1",
    "a.c:(.text+0x9): undefined reference to `f'",
  ],
  ["configure's", 'checking for x... no\nconfigure: error: no x here\n', 'configure: error: no x here'],
  [
    "make's if there is nothing better",
    'make: *** No rule to make target',
    'make: *** No rule to make target',
  ],
];
for (const [title, output, expected] of cases) {
  test(`first error: ${title}`, (t) => t.is(firstError(output), expected));
}

test('warnings of compiler and linker are counted', (t) => {
  t.is(
    countWarnings('a.c:1:2: warning: x\nconfigure: WARNING: y\n/usr/bin/ld: warning: z\nno warning here\n'),
    2,
  );
});

test("C10: modpost's warnings are counted, and the symbols that it lacks are known", (t) => {
  const output = [
    '  MODPOST /x/Module.symvers',
    'WARNING: Symbol version dump "Module.symvers" is missing.',
    '         Modules may not have dependencies or modversions.',
    'WARNING: modpost: "kfree" [/x/vb.ko] undefined!',
    'WARNING: "printk" [/x/vb.ko] undefined!',
    'ERROR: modpost: "kfree" [/x/other.ko] undefined!',
    'WARNING: modpost: missing MODULE_LICENSE() in /x/vb.o',
  ].join('\n');
  t.is(countWarnings(output), 4);
  t.deepEqual(undefinedSymbols(output), ['kfree', 'printk']);
  t.deepEqual(undefinedSymbols('a.c:1:2: warning: "x" [y] undefined!'), []);
});
