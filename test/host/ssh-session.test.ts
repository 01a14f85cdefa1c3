import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import test from 'ava';
import { anyShellLine } from '../../src/host/ssh/session.js';

const LINES = [
  `printf '%s\\n' 'it'\\''s' "a \\"b\\"" 'c\\\\d' '!e' '$HOME'`,
  `printf '%s\\n' 'two\nlines' 'ü€' '~' '*' '#'`,
  'printf %s "$((6 * 7))" | cat; exit 3',
];

for (const shell of ['/bin/sh', '/bin/bash', '/usr/bin/fish', '/bin/tcsh']) {
  const title = `C4: a line is the same by ${shell}`;
  const define = existsSync(shell) ? test : test.skip;
  define(existsSync(shell) ? title : `${title} (skipped: needs ${shell})`, (t) => {
    for (const line of LINES) {
      const plain = spawnSync('/bin/sh', ['-c', line], { encoding: 'utf8' });
      const { stdout, stderr, status } = spawnSync(shell, ['-c', anyShellLine(line, 'MARK')], {
        encoding: 'utf8',
      });
      t.is(stdout, `MARK\n${plain.stdout}`);
      t.is(stderr, 'MARK\n');
      t.is(status, plain.status);
    }
  });
}
