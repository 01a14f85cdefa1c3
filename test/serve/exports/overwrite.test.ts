import { execFileSync, spawn } from 'node:child_process';
import { mkdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { UsageError } from '../../../src/base/errors.js';
import { openOutput } from '../../../src/base/files/open-output.js';
import { packageRoot } from '../../../src/base/files/paths.js';
import { deviceNumber } from '../../../src/base/identity.js';
import { exportId } from '../../../src/serve/exports/entry.js';
import { judgeOverwrite } from '../../../src/serve/exports/overwrite.js';
import type { Finding } from '../../../src/serve/storage/findings.js';
import { copyToFile } from '../../../src/wire/initiator/copy.js';
import { folderOfFile, temporaryFolder } from '../../base/temporary.js';
import { runHere } from '../../face/cli/in-process.js';
import { makeLab } from '../../wire/initiator/lab.js';
import { backingOf, entryOf } from './entries.js';

const state = folderOfFile();
process.env.AOE_LAB_STATE = state;

test('data: the image of an export is not overwritten, unless that is allowed by its name', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'a.img');
  await writeFile(path, 'precious');
  await truncate(path, 1 << 20);
  const { dev, ino, birthtimeNs } = await stat(path, { bigint: true });
  const identity = {
    kind: 'file' as const,
    dev: deviceNumber(dev),
    inode: String(ino),
    birth: Number(birthtimeNs / 1_000_000_000n),
    bootId: 'boot',
  };
  const entry = entryOf({ backing: backingOf({ path, identity }), options: { readOnly: true } });
  await mkdir(join(state, 'exports'), { recursive: true });
  await writeFile(join(state, 'exports', `${exportId(entry)}.json`), JSON.stringify(entry));
  const { target } = await makeLab();
  const refused = {
    instanceOf: UsageError,
    message: /overwriting .*a\.img: it is exported as e0\.1@eth0/,
  };
  const range = { from: 0, count: 8 };
  await t.throwsAsync(copyToFile(target, range, path, { judge: judgeOverwrite }), refused);
  const swap: typeof judgeOverwrite = (there) => judgeOverwrite(there, { allow: ['swap'] });
  const error = await t.throwsAsync(copyToFile(target, range, path, { judge: swap }), refused);
  t.regex(String((error as UsageError).facts.next), /--allow exported/);
  t.is((await readFile(path)).subarray(0, 8).toString(), 'precious');
  t.is((await stat(path)).size, 1 << 20);
  const told: Finding[] = [];
  const allowed: typeof judgeOverwrite = (there) =>
    judgeOverwrite(there, { allow: ['exported'], onOverridden: (finding) => told.push(finding) });
  await copyToFile(target, range, path, { judge: allowed });
  t.is((await stat(path)).size, 8 * 512);
  t.deepEqual(told, [{ kind: 'exported', text: 'it is exported as e0.1@eth0' }]);
});

test('what a shell has opened as standard output is written to, although the shell has it open', async (t) => {
  const path = join(await temporaryFolder(t), 'out');
  const program = `import { openOutput } from '${join(packageRoot, 'dist/src/base/files/open-output.js')}';
import { judgeOverwrite } from '${join(packageRoot, 'dist/src/serve/exports/overwrite.js')}';
const { file } = await openOutput('/dev/stdout', { judge: judgeOverwrite });
await file.writeFile('written');
await file.close();`;
  const script = '{ "$0" --input-type=module -e "$1"; :; } > "$2"';
  execFileSync('sh', ['-c', script, process.execPath, program, path]);
  t.is(await readFile(path, 'utf8'), 'written');
});

test('data: a file that another program writes to is not overwritten by any name of it', async (t) => {
  const path = join(await temporaryFolder(t), 'written');
  const holder = spawn('sh', ['-c', 'exec 4> "$0"; echo held >&4; echo held; exec sleep 60', path], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.teardown(() => holder.kill());
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  await t.throwsAsync(openOutput(path, { judge: judgeOverwrite }), {
    instanceOf: UsageError,
    message: new RegExp(`process ${holder.pid} has it open for writing`),
  });
  t.is(await readFile(path, 'utf8'), 'held\n');
  // Nor is it a disk for a guest, which would write to it.
  const guest = await runHere(['vm', 'up', '--offline', '--disk', path], 60_000);
  t.is(guest.exitCode, 2);
  t.regex(guest.stderr, /giving a guest the disk .*written\n.*has it open for writing.*--allow in-use/s);
});
