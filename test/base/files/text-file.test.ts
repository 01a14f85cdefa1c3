import { execFileSync, spawn } from 'node:child_process';
import { open, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { UsageError } from '../../../src/base/errors.js';
import { packageRoot } from '../../../src/base/files/paths.js';
import { readTextFile } from '../../../src/base/files/text-file.js';
import { temporaryFolder } from '../temporary.js';

const NEXT = 'name another';

test('hostile: a pipe that nothing is written to is not waited for, nor a device, nor is one without an end read', async (t) => {
  const pipe = join(await temporaryFolder(t), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const refused = async (patience: number, why: string): Promise<void> => {
    await t.throwsAsync(readTextFile(pipe, NEXT, patience), {
      instanceOf: UsageError,
      message: `reading ${pipe}: ${why}`,
    });
  };
  await refused(1, 'it is a pipe that nobody writes to');
  const writer = await open(pipe, 'r+');
  t.teardown(() => writer.close());
  await refused(1, 'it is a pipe whose writer writes nothing');
  await refused(0, 'it is a pipe');
  await t.throwsAsync(readTextFile('/dev/ptmx', NEXT), { message: /it has nothing to be read/ });
  await t.throwsAsync(readTextFile('/dev/zero', NEXT), {
    instanceOf: UsageError,
    message: /longer than 2 MiB/,
  });
});

test('a pipe’s writer may come late, write in pieces, and be slow', async (t) => {
  const pipe = join(await temporaryFolder(t), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const link = `${pipe}.link`;
  await symlink('pipe', link);
  const reading = readTextFile(link, NEXT, 60_000);
  const script = 'exec > "$1"; sleep 0.2; seq 30000; sleep 0.2; echo end';
  const writer = spawn('sh', ['-c', script, 'sh', pipe]);
  t.teardown(() => writer.kill());
  const lines = (await reading).split('\n');
  t.deepEqual([lines.length, lines.at(-2)], [30_002, 'end']);
});

test('what a shell puts in the place of <(command) is read to its end, also where it is empty', (t) => {
  const program = `import { readTextFile } from '${join(packageRoot, 'dist/src/base/files/text-file.js')}';
process.stdout.write(await readTextFile(process.argv[1], ''));`;
  for (const [command, said] of [
    ['sleep 0.2; echo a; sleep 0.2; echo b', 'a\nb\n'],
    ['true', ''],
  ] as const) {
    const script = `exec "$0" --input-type=module -e "$1" <(${command})`;
    t.is(execFileSync('bash', ['-c', script, process.execPath, program], { encoding: 'utf8' }), said);
  }
});
