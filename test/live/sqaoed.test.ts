/** The stand-in for sqaoed, by the command line that set-ups written for it have. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { programsFolder } from '../../src/base/files/paths.js';
import { openTarget } from '../../src/wire/initiator/open.js';
import { openPacketLink } from '../../src/wire/link/packet.js';
import { noRoot, testUnless } from './support/machine.js';
import { testWire } from './support/wire.js';

const SQAOED = join(programsFolder, 'sqaoed.cjs');

testUnless(noRoot(), 'sqaoed IF DEV SHELF SLOT serves, and says that it is a stand-in', async (t) => {
  const wire = await testWire(t);
  await writeFile(join(wire.folder, 'le.img'), '');
  await truncate(join(wire.folder, 'le.img'), 1 << 20);
  const words = ['netns', 'exec', wire.netns, process.execPath, SQAOED, wire.target, 'le.img', '0', '7'];
  const child = spawn('ip', words, { cwd: wire.folder, stdio: ['ignore', 'ignore', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  while (!said.includes('sectors')) await once(child.stderr, 'data');
  t.regex(said, /^sqaoed, a stand-in: the original is lost/);
  const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns });
  t.teardown(() => link.close());
  const target = await openTarget(link, { shelf: 0, slot: 7 });
  const data = Buffer.alloc(4096, 'sqaoed');
  await target.write(8, data);
  await target.flush();
  t.true(data.equals(await target.read(8, 8)));
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  t.deepEqual(await ended, [0, null]);
});

testUnless(undefined, 'sqaoed with words that can not be meant: how it is used, exit code 2', async (t) => {
  const faulty: [string[], RegExp][] = [
    [[], /it takes four words, and was given 0\nusage: sqaoed IF DEV SHELF SLOT/s],
    [['eth0', '/dev/loop7', '0'], /was given 3/],
    [['eth0', '/dev/loop7', '0', '0', '0'], /was given 5/],
    [['eth0', '/dev/loop7', 'x', '255'], /shelf: "x" is no number.*slot: 255 is no number/s],
  ];
  for (const [words, message] of faulty) {
    const { status, stderr } = spawnSync(process.execPath, [SQAOED, ...words], { encoding: 'utf8' });
    t.is(status, 2);
    t.regex(stderr, message);
  }
});
