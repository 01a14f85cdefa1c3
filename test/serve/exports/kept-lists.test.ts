/** ggaoed's state files, as its daemon of either byte order writes them. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import { clearKept, keptMacs, readKept } from '../../../src/serve/exports/kept-lists.js';
import { temporaryFolder } from '../../base/temporary.js';

const MACS = ['02:00:00:00:00:01', '0a:ff:00:00:00:02'];
const LIST = 0xe92a716b;

/** struct acl_map: magic number, length, 255 padded addresses. */
function list(macs: readonly string[], { magic = LIST, length = macs.length, big = false } = {}): Buffer {
  const bytes = Buffer.alloc(8 + 255 * 8);
  for (const [at, word] of [magic, length].entries()) {
    if (big) bytes.writeUInt32BE(word, 4 * at);
    else bytes.writeUInt32LE(word, 4 * at);
  }
  for (const [index, mac] of macs.entries()) bytes.write(mac.replaceAll(':', ''), 8 + 8 * index, 'hex');
  return bytes;
}

const CASES: [string, Buffer | undefined, string[]][] = [
  ['no file', undefined, []],
  ['an empty one', Buffer.alloc(0), []],
  ['one that was cut after the length', list(MACS).subarray(0, 8), []],
  ['one that was cut within an address', list(MACS).subarray(0, 20), [MACS[0] as string]],
  ['one of another magic number', list(MACS, { magic: 1 }), []],
  ['an empty list', list([]), []],
  ['a list', list(MACS), MACS],
  ['a list of the other byte order', list(MACS, { big: true }), MACS],
  [
    'more than there is room for',
    list([], { length: 0xffff_ffff }),
    new Array(255).fill('00:00:00:00:00:00'),
  ],
];
for (const [what, bytes, macs] of CASES) {
  test(`13: kept lists: ${what} holds ${macs.length} addresses`, (t) => {
    t.deepEqual(keptMacs(bytes), macs);
  });
}

test('13: kept lists: both are cleared in place, so that a daemon that has them mapped sees it; the string stays', async (t) => {
  const folder = join(await temporaryFolder(t), 'a folder');
  await mkdir(folder);
  const config = Buffer.alloc(1032);
  config.writeUInt32LE(0x38a0bfae, 0);
  config.writeUInt32LE(4, 4);
  config.write('mine, and more', 8);
  const before = { mac_mask: list(MACS), reserve: list([MACS[1] as string]), config };
  for (const [suffix, bytes] of Object.entries(before))
    await writeFile(join(folder, `e0.1-eth0.${suffix}`), bytes);
  const configString = Buffer.from('mine').toString('base64');
  const read = () => readKept(here, folder, 'e0.1-eth0');
  t.deepEqual(await read(), { configString, masks: MACS, reservation: [MACS[1] as string] });
  const mapped = await readFile(join(folder, 'e0.1-eth0.mac_mask'));
  await clearKept(here, folder, 'e0.1-eth0');
  t.deepEqual(await read(), { configString, masks: [], reservation: [] });
  // Nothing but the length.
  mapped.writeUInt32LE(0, 4);
  t.true(mapped.equals(await readFile(join(folder, 'e0.1-eth0.mac_mask'))));
  // There is nothing to clear, and nothing is made.
  await clearKept(here, folder, 'e0.2-eth0');
  t.deepEqual(await readKept(here, folder, 'e0.2-eth0'), { configString: '', masks: [], reservation: [] });
});

test('13: kept lists: one that can not be cleared is an error', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'x.mac_mask'));
  await t.throwsAsync(clearKept(here, folder, 'x'), { message: /x\.mac_mask can't be written/ });
});
