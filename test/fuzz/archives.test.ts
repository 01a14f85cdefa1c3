/** Archives of strangers: unpacked whole within their folder and bounds, or refused as the archive's fault with nothing left. */
import { lstat, mkdir, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { escapeText } from '../../src/base/escape.js';
import { paint } from '../../src/face/ui/colors.js';
import { describeError } from '../../src/face/ui/errors.js';
import { ArchiveError, unpack } from '../../src/make/archive/unpack.js';
import { LIMITS } from '../../src/make/store/limits.js';
import { type TarEntry, tarOf, zipOf } from '../make/archive/bytes.js';
import { folderOf } from '../make/source/helpers.js';
import { FRAMES, SEED, TIMEOUT } from './budget.js';
import { Dice, mutate } from './mutate.js';

const RUNS = Math.ceil(FRAMES / 100);
const limits = { ...LIMITS, entries: 50, unpacked: 1 << 20 };

const NAMES = [
  'a',
  'a/b',
  'a/b/c',
  'D',
  'D/x',
  '..',
  '../x',
  '/x',
  './a',
  'a/../b',
  'a\x1b[2J',
  '',
  '.git/hooks/x',
  'é',
];
const TARGETS = ['..', '.', 'a', 'b/..', '../..', '/etc', '../D', 'D', '', 'a/../../x', '\x1b[31m'];

function randomTar(dice: Dice): Buffer {
  const entries = Array.from({ length: 1 + dice.roll(6) }, (): TarEntry => {
    const type = dice.pick(['0', '0', '0', '1', '2', '2', '5', '3', '6', 'V']);
    const target = type === '1' ? dice.pick(NAMES) : dice.pick(TARGETS);
    return { name: dice.pick(NAMES), type, target, content: type === '0' ? 'x'.repeat(dice.roll(2000)) : '' };
  });
  return tarOf(entries);
}

const SEEDS = [
  tarOf([
    { name: 'top/a', content: 'x' },
    { name: 'top/l', type: '2', target: 'a' },
    { name: 'top/h', type: '1', target: 'top/a' },
  ]),
  gzipSync(tarOf([{ name: 'top/a', content: 'x'.repeat(500) }])),
  zipOf([
    { name: 'top/a', content: 'x' },
    { name: 'top/l', content: 'a', mode: 0o120777 },
  ]),
];

/** What lies in a folder and is not as a source's tree may be. */
async function strange(folder: string, within = ''): Promise<string | undefined> {
  for (const name of await readdir(join(folder, within))) {
    const path = join(within, name);
    const facts = await lstat(join(folder, path));
    if (facts.isDirectory()) {
      const found = await strange(folder, path);
      if (found !== undefined) return found;
    } else if (facts.isSymbolicLink()) {
      const to = normalize(join(path, '..', await readlink(join(folder, path))));
      if (to.startsWith('..') || to.startsWith('/')) return `${path} leads to ${to}`;
    } else if (!facts.isFile()) return `${path} is no file`;
    else if ((facts.mode & 0o7022) !== 0) return `${path} has mode ${facts.mode.toString(8)}`;
  }
  return undefined;
}

test(`HOSTILE: ${RUNS} archives are unpacked within their folder, or refused as their own fault`, async (t) => {
  t.timeout(TIMEOUT);
  t.log(`seed ${SEED}`);
  const folder = await folderOf(t);
  const dice = new Dice(SEED);
  let unpacked = 0;
  for (let index = 0; index < RUNS; index++) {
    const bytes = index % 2 === 0 ? randomTar(dice) : mutate(SEEDS, dice);
    const [around, file] = [join(folder, 'around'), join(folder, 'archive')];
    await mkdir(around);
    await writeFile(file, bytes);
    const why = `archive ${bytes.toString('base64')}`;
    try {
      await unpack(file, join(around, 'out'), 'archive', limits);
      unpacked++;
      if ((await readdir(around)).join() !== 'out') return t.fail(why);
      const found = await strange(join(around, 'out'));
      if (found !== undefined) return t.fail(`${found}: ${why}`);
    } catch (error) {
      if (!(error instanceof ArchiveError)) return t.fail(`${(error as Error).stack}: ${why}`);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: our own colours
      const words = paint(describeError(error, false)).replaceAll(/\x1b\[\d+m/g, '');
      if (escapeText(words) !== words) return t.fail(why);
      if ((await readdir(around)).length > 0) return t.fail(`something is left: ${why}`);
    }
    if ((await readdir(folder)).sort().join() !== 'archive,around') return t.fail(`outside: ${why}`);
    await rm(around, { recursive: true });
  }
  t.true(unpacked > 0 && unpacked < RUNS);
});
