import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import test from 'ava';
import type { ClientChannel } from 'ssh2';
import { notBegun } from '../../../src/hosts/ssh/not-begun.js';
import { anyShellLine, beginSession, NotBegun } from '../../../src/hosts/ssh/session.js';

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

/** What is said of a login shell that prints, and ends with 1; by a FAKE channel. */
async function saidOf(stdout: string, stderr = ''): Promise<{ happened: string; next: readonly string[] }> {
  const channel = Object.assign(new PassThrough(), { stderr: new PassThrough(), close: () => {} });
  const begun = beginSession(channel as unknown as ClientChannel, 'MARK', undefined);
  channel.write(stdout);
  channel.stderr.write(stderr);
  channel.emit('exit', 1);
  channel.emit('close');
  const error = await begun.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof NotBegun)) throw new Error('it has begun');
  const { happened, next } = notBegun(error, 'store', 'joe').facts;
  return { happened, next: [next ?? []].flat() };
}

test('C4: of what start-up files print the last lines are told, and how many came before', async (t) => {
  const lines = Array.from({ length: 60 }, (_, index) => `line ${index}`);
  t.deepEqual((await saidOf(`${lines.join('\n')}\n`, 'an error\n')).happened.split('\n'), [
    'it ended with exit code 1, before the command began',
    'it printed 53 lines, and then:',
    ...lines.slice(-8),
  ]);
  // Most of them are not even kept.
  t.regex((await saidOf('x\n'.repeat(100_000))).happened, /it printed 99992 lines, and then:\n(x\n){7}x$/);
  t.deepEqual((await saidOf('not today', 'no\n')).happened.split('\n').slice(1), [
    'it printed: no',
    'not today',
  ]);
});

test('C4: a login shell that ends without a word is to be looked up', async (t) => {
  t.regex((await saidOf('')).next[0] ?? '', /getent passwd joe \(\/bin\/false/);
  t.notRegex((await saidOf('not today')).next[0] ?? '', /getent/);
});
