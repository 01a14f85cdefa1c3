import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat, watch, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { programsFolder } from '../../../src/base/files/paths.js';
import { here } from '../../../src/hosts/host/local.js';
import { temporaryFolder } from '../../base/temporary.js';

const OPEN = ['-c', 'umask 0; exec "$@"', 'sh', process.execPath];

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

test('HOSTILE: with umask 0, what a command writes is written to by nobody else', async (t) => {
  const folder = await temporaryFolder(t);
  const [conf, lab] = [join(folder, 'ggaoed.conf'), join(folder, 'lab.yaml')];
  await writeFile(conf, '[defaults]\ninterfaces = eth0\n[d]\npath = /srv/a\nshelf = 0\nslot = 1\n');
  const argv = [join(programsFolder, 'aoe-lab.cjs'), 'import', '--from', 'ggaoed', '--path', conf, '-o', lab];
  await here.run(['sh', ...OPEN, ...argv], { env: { AOE_LAB_STATE: join(folder, 'state') } });
  t.is(await modeOf(lab), 0o644);
});

test('HOSTILE: with umask 0, the socket of native’s counters is open to its user alone', async (t) => {
  const folder = await temporaryFolder(t);
  const [conf, socket] = [join(folder, 'native.json'), join(folder, 'metrics')];
  await writeFile(conf, '{"exports": []}');
  const argv = [join(programsFolder, 'native.cjs'), '-c', conf, '--metrics', socket];
  const changes = watch(folder)[Symbol.asyncIterator]();
  const first = changes.next();
  const child = spawn('sh', [...OPEN, ...argv], { stdio: 'ignore' });
  try {
    for (let change = first; ; change = changes.next()) {
      if ((await change).value?.filename === 'metrics') break;
    }
    t.is(await modeOf(socket), 0o700);
  } finally {
    await changes.return?.();
    child.kill();
    if (child.exitCode === null) await once(child, 'close');
  }
});
