import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { withSuite } from '../../../src/make/debian/suite.js';

const folder = mkdtempSync(join(tmpdir(), 'aoe-lab-apt-'));
process.env.AOE_LAB_CACHE = join(folder, 'store');
process.env.APT_CONFIG = join(folder, 'apt.conf');
test.after.always(() => rm(folder, { recursive: true, force: true }));

const PACKAGES = `Package: toy\nVersion: 1\nArchitecture: all\nSize: 1\nSHA256: ${'a'.repeat(64)}\n`;
const SHA256 = createHash('sha256').update(PACKAGES).digest('hex');
const FILES = new Map([
  [
    '/debian/dists/sid/Release',
    `Suite: sid\nCodename: sid\nArchitectures: all amd64\nComponents: main\nDate: ${new Date().toUTCString()}\nSHA256:\n ${SHA256} ${PACKAGES.length} main/binary-amd64/Packages\n`,
  ],
  ['/debian/dists/sid/main/binary-amd64/Packages', PACKAGES],
]);
const run = spawnSync('apt-get', ['--version']).error === undefined ? test : test.skip;

run('an archive that could not be reached is asked by the next command, not a day later', async (t) => {
  let isAway = true;
  const server = createServer((request, response) => {
    const text = FILES.get(request.url ?? '');
    if (isAway) request.socket.destroy();
    else response.writeHead(text === undefined ? 404 : 200).end(text);
  });
  t.teardown(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const list = join(folder, 'list');
  await writeFile(list, `deb [trusted=yes] http://127.0.0.1:${port}/debian bookworm main\n`);
  await writeFile(
    join(folder, 'apt.conf'),
    `Dir::Etc::sourcelist "${list}"; Dir::Etc::sourceparts "${folder}/none"; Acquire::http::Proxy "DIRECT";\n`,
  );
  const names = () => withSuite('sid', {}, (suite) => suite.namesFrom('toy'));
  t.deepEqual(await names(), []);
  isAway = false;
  t.deepEqual(await names(), ['toy']);
});
