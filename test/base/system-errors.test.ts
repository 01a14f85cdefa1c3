import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { LabError, MissingError, UsageError } from '../../src/base/errors.js';
import { expectedError } from '../../src/base/system-errors.js';
import { describeError, errorAsJson, exitCodeOf } from '../../src/face/ui/errors.js';
import { temporaryFolder } from './temporary.js';

const NO_TOOL = 'aoe-lab-no-such-tool';

/** An error as the system really gives it. */
async function errorOf(job: () => Promise<unknown>): Promise<unknown> {
  try {
    await job();
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

test('what the system refuses is told with its path, what happened and what to do', async (t) => {
  const folder = await temporaryFolder(t);
  const at = (name: string): string => join(folder, name);
  await mkdir(at('folder'));
  await writeFile(at('file'), '');
  await symlink('loop', at('loop'));
  const full = async (): Promise<void> => {
    const file = await open('/dev/full', 'w');
    await file.write('x').finally(() => file.close());
  };
  const table: [() => Promise<unknown>, number, RegExp][] = [
    [
      () => readFile(at('none')),
      1,
      /error opening .*\/none\n {2}no such file or directory\n {2}→ check the name/,
    ],
    [() => readFile(at('folder')), 1, /illegal operation on a directory\n {2}→ it is a folder: name a file/],
    [() => readFile(at('file/x')), 1, /not a directory/],
    [() => readFile(at('loop')), 1, /too many symbolic links/],
    [() => readFile(at('x'.repeat(300))), 1, /name too long\n {2}→ take a shorter name/],
    [() => mkdir(at('folder')), 1, /error making the folder .*\n {2}file already exists/],
    [full, 1, /no space left on device/],
    [() => readFile('a\0b'), 2, /it holds a NUL character/],
    [async () => once(spawn(NO_TOOL, []), 'close'), 3, /there is no program aoe-lab-no-such-tool/],
  ];
  for (const [job, code, words] of table) {
    const error = await errorOf(job);
    t.is(exitCodeOf(error), code, String(error));
    t.regex(describeError(error, false), words);
    t.notRegex(describeError(error, false), /fault of aoe-lab/);
  }
});

test('permission and tools are what is missing: exit code 3', (t) => {
  for (const code of ['EACCES', 'EPERM']) {
    const error = Object.assign(new Error('x'), { code, syscall: 'open', path: '/etc/shadow' });
    t.true(expectedError(error) instanceof MissingError);
    t.like(errorAsJson(error), { error: { kind: 'MissingError', tried: 'opening /etc/shadow' } });
  }
  for (const code of ['EROFS', 'EMFILE', 'EIO', 'EPIPE', 'ECONNREFUSED', 'ENOTFOUND', 'ETXTBSY']) {
    const error = expectedError(Object.assign(new Error('x'), { code, syscall: 'open', path: '/x' }));
    t.true(error instanceof LabError && error.exitCode === 1, code);
  }
});

test('an error of the system within another is found, a bug stays one', (t) => {
  const refused = Object.assign(new Error('x'), { code: 'ECONNREFUSED', syscall: 'connect', path: '/run/x' });
  t.is(expectedError(new TypeError('fetch failed', { cause: refused }))?.facts.tried, 'connecting to /run/x');
  t.is(expectedError(new AggregateError([refused]))?.facts.happened, 'connection refused');
  const usage = new UsageError({ tried: 'a', happened: 'b' });
  t.is(expectedError(usage), usage);
  for (const bug of [
    new TypeError('x'),
    Object.assign(new Error('x'), { code: 'ERR_ASSERTION' }),
    'x',
    undefined,
    null,
  ]) {
    t.is(expectedError(bug), undefined);
    t.is(exitCodeOf(bug), 1);
    t.regex(describeError(bug, false), /fault of aoe-lab itself/);
  }
});
