import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { UsageError } from '../../../src/base/errors.js';
import { loadRecipe, select } from '../../../src/make/recipe/load.js';
import { renderScript } from '../../../src/serve/exports/script.js';
import type { ExportSpec } from '../../../src/serve/exports/spec.js';
import { temporaryFolder } from '../../base/temporary.js';

const recipe = await loadRecipe('sqaoed');
const selected = select(recipe, 'trunk');
const spec: ExportSpec = { shelf: 1, slot: 2, iface: 'e1000g0', path: '/export/le.img', options: {} };

/** Runs the script with programs in place of Solaris's that write down how they are called. */
async function runScript(t: ExecutionContext, spec: ExportSpec, lofiadm: string): Promise<string[]> {
  const folder = await temporaryFolder(t);
  const log = join(folder, 'log');
  const noted = `echo "\${0##*/} $*" >> '${log}'`;
  const programs: Record<string, string> = {
    svn: `${noted}; cat; mkdir -p trunk/trunk; cp bin/sqaoed trunk/trunk/sqaoed`,
    make: noted,
    mkfile: noted,
    lofiadm: `${noted}; ${lofiadm}`,
    sqaoed: noted,
  };
  mkdirSync(join(folder, 'bin'));
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(folder, 'bin', name), 0o755);
  }
  const { status, stderr } = spawnSync('sh', {
    cwd: folder,
    input: renderScript(selected, spec),
    env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` },
    encoding: 'utf8',
  });
  t.is(status, 0, stderr);
  return readFileSync(log, 'utf8').trimEnd().split('\n');
}

test('the Solaris script makes and attaches the file, and exports the device that it is told of', async (t) => {
  const path = "/export/le '1'.img";
  const calls = await runScript(
    t,
    { ...spec, path, size: 400 * 2 ** 20 },
    '[ "$1" = -a ] || exit 1; echo /dev/lofi/1',
  );
  t.deepEqual(calls, [
    'svn co http://svn.fubra.com/storage/sqaoed/ trunk',
    'make ',
    'make install',
    `mkfile -n 419430400 ${path}`,
    `lofiadm ${path}`,
    `lofiadm -a ${path}`,
    'sqaoed e1000g0 /dev/lofi/1 1 2',
  ]);
});

test('the Solaris script leaves a file alone that is attached, and a device', async (t) => {
  const attached = await runScript(t, spec, 'echo /dev/lofi/7');
  t.deepEqual(attached.slice(3), ['lofiadm /export/le.img', 'sqaoed e1000g0 /dev/lofi/7 1 2']);
  const device = await runScript(t, { ...spec, path: '/dev/dsk/c0t0d0s7' }, 'exit 1');
  t.deepEqual(device.slice(3), ['sqaoed e1000g0 /dev/dsk/c0t0d0s7 1 2']);
});

test('it says that it did not run on a real Solaris', (t) => {
  t.regex(renderScript(selected, spec), /NOT RUN on a real Solaris/);
});

test('a release without a script, an option it lacks, a path that means nothing there', (t) => {
  const standIn = select(recipe);
  t.throws(() => renderScript(standIn, spec), { instanceOf: UsageError, message: /it has none/ });
  const readOnly = { ...spec, options: { readOnly: true } };
  t.throws(() => renderScript(selected, readOnly), { message: /sqaoed trunk has no --read-only/ });
  t.throws(() => renderScript(selected, { ...spec, path: 'le.img' }), {
    message: /which file of that host/,
  });
});
