import test from 'ava';
import { CommandError } from '../../../src/hosts/host/command-error.js';
import { largestFile, notMade } from '../../../src/serve/storage/file-size.js';

test('A15: how large a file may be, where that is known of its file system', (t) => {
  const room = { free: 0, id: '1' };
  t.is(largestFile({ ...room, type: 'ext2/ext3', unit: 1024 }), 2 ** 42 - 1024);
  t.is(largestFile({ ...room, type: 'ext2/ext3', unit: 4096 }), 2 ** 44 - 4096);
  t.is(largestFile({ ...room, type: 'msdos', unit: 2048 }), 2 ** 32 - 1);
  t.is(largestFile({ ...room, type: 'xfs', unit: 4096 }), undefined);
});

test('what a system says as a file is made is told without the script that made it', (t) => {
  const said = (stderr: string): unknown => {
    const outcome = { exitCode: 1, stdout: '', stderr };
    return notMade(new CommandError('here', ['sh', '-c', 'x'], outcome), '/srv/a', 2 ** 42);
  };
  for (const [stderr, exitCode, happened] of [
    [
      "truncate: failed to truncate './x' at 4398046511104 bytes: File too large",
      2,
      /allows no file of 4 TiB/,
    ],
    ['truncate: ./x: truncate: File too large', 2, /allows no file of 4 TiB/],
    ['sh: 5: cannot create ./x: No space left on device', 1, /^no space left on device$/],
    ['sh: 5: cannot create ./x: Disk quota exceeded', 1, /^disk quota exceeded$/],
  ] as const) {
    const error = said(stderr) as { exitCode: number; facts: { tried: string; happened: string } };
    t.is(error.exitCode, exitCode, stderr);
    t.is(error.facts.tried, 'making /srv/a');
    t.regex(error.facts.happened, happened);
  }
  t.true(said('something else') instanceof CommandError);
  const other = new TypeError('x');
  t.is(notMade(other, '/srv/a', 1), other);
});
