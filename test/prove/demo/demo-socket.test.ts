import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { programsFolder } from '../../../src/base/files/paths.js';
import { temporaryFolder } from '../../base/temporary.js';

const MAIN = join(programsFolder, 'aoe-lab.cjs');
const SIZE = 4 << 20;

test('the demo over a socket writes and reads, verifies, and leaves nothing', async (t) => {
  const folder = await temporaryFolder(t);
  const env = { ...process.env, TMPDIR: folder };
  const argv = [MAIN, 'demo', '--socket', '--size', '4M', '--json'];
  const { status, stdout } = spawnSync(process.execPath, argv, { env });
  t.is(status, 0);
  const report = JSON.parse(stdout.toString());
  t.like(report, {
    implementation: 'native',
    wire: 'socket',
    mtu: 9000,
    bytesWritten: SIZE,
    bytesRead: SIZE,
    verified: true,
  });
  t.is(report.target.sectors, (2 * SIZE) / 512);
  t.is(report.sha256.written, report.sha256.file);
  t.deepEqual(await readdir(folder), []);
});

test('where no wire can be made the demo says so in one line and goes on over a socket', async (t) => {
  const folder = await temporaryFolder(t);
  // Without a PATH there are neither namespaces nor a compiler.
  const env = { PATH: folder, TMPDIR: folder, HOME: folder, NO_COLOR: '1' };
  const argv = [MAIN, 'demo', '--size', '1M', '--json'];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { env });
  t.is(status, 0, stderr.toString());
  t.true(JSON.parse(stdout.toString()).verified);
  const told = stderr
    .toString()
    .split('\n')
    .filter((line) => line.includes('the same story'));
  t.is(told.length, 1);
  t.regex(
    told[0] as string,
    /^.+: the same story with the native target, over a socket between two processes$/,
  );
  // Who asks for one implementation is not served another.
  const asked = spawnSync(process.execPath, [...argv, '--impl', 'vblade', '--offline'], { env });
  t.not(asked.status, 0);
  t.false(asked.stderr.toString().includes('the same story'));
});

test('the target of a demo that is killed ends by itself', async (t) => {
  const folder = await temporaryFolder(t);
  const env = { ...process.env, TMPDIR: folder, NO_COLOR: '1' };
  const argv = [MAIN, 'demo', '--socket', '--size', '256M'];
  const demo = spawn(process.execPath, argv, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  const pid = await new Promise<number>((resolve) => {
    demo.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const match = /as e0\.1, process (\d+)/.exec(said);
      if (match) resolve(Number(match[1]));
    });
  });
  demo.kill('SIGKILL');
  await once(demo, 'close');
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
  t.pass();
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
