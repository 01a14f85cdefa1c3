/** The edits that the guide documents, as the recipes have them. */
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { planPatches } from '../../../src/make/patch/plan.js';
import { loadRecipe, select } from '../../../src/make/recipe/load.js';
import { temporaryFolder } from '../../base/temporary.js';
import { sourceTree, testUnless } from '../../live/support/machine.js';
import { labError, sharedFolder, writeTree } from './trees.js';

process.env.AOE_LAB_CACHE = sharedFolder();

async function plan(name: string, folder: string, kernel?: string) {
  const recipe = await loadRecipe(name);
  // vblade-kernel's default is its stand-in, to which nothing is done.
  const selected = select(recipe, name === 'vblade-kernel' ? '0.3.4' : undefined);
  return planPatches(selected, folder, kernel === undefined ? {} : { kernel });
}

async function applied(name: string, folder: string, kernel?: string) {
  const { patches } = await plan(name, folder, kernel);
  return patches
    .filter(({ applies }) => applies)
    .map(({ id, files }) => [id, files.map(({ path, lines }) => `${path}: ${lines.join(' ')}`)]);
}

/** A test on an original tree, skipped where no one brought it. */
function original(
  name: string,
  title: string,
  run: (t: ExecutionContext, folder: string) => Promise<void>,
): void {
  const tree = sourceTree(name);
  const reason = 'reason' in tree ? tree.reason : undefined;
  testUnless(reason, `${name}: ${title}`, (t) => run(t, 'path' in tree ? tree.path : ''));
}

original('kvblade-alpha-3', 'both edits for the kernel of the guide', async (t, folder) => {
  t.deepEqual(await applied('kvblade', folder, '2.6.21'), [
    ['include-autoconf', ['kvblade.c: 3']],
    ['ata-id-serno-len', ['kvblade.c: 66']],
  ]);
});

original('kvblade-alpha-3', 'each edit by the kernel', async (t, folder) => {
  const names = async (kernel?: string) => (await applied('kvblade', folder, kernel)).map(([id]) => id);
  t.deepEqual(await names(), []);
  t.deepEqual(await names('2.6.17'), []);
  t.deepEqual(await names('2.6.18'), ['include-autoconf']);
  t.deepEqual(await names('5.9'), ['ata-id-serno-len']);
});

/** Kernels of Debian's, one of each line that the patches were made with. */
const KERNELS = ['5.10.0-32-amd64', '6.1.0-50-amd64', '6.12.117+deb13-amd64', '7.2.13+deb14-amd64'];

original(
  'kvblade-alpha-3',
  'the patches for current kernels fit, each where it was made',
  async (t, folder) => {
    for (const kernel of KERNELS) {
      const { patches } = await plan('kvblade', folder, kernel);
      const taken = patches.filter(({ applies }) => applies);
      t.is(taken.length, patches.length - 1, kernel);
      for (const { id, files } of taken) {
        t.true(files.length > 0, id);
        t.deepEqual([...new Set(files.flatMap(({ offsets }) => offsets))].filter(Boolean), [], id);
      }
    }
  },
);

original(
  'aoeserver-trunk',
  'the patches for current kernels fit, each where it was made',
  async (t, folder) => {
    for (const kernel of KERNELS) {
      const { patches } = await plan('aoeserver', join(folder, 'aoeserver'), kernel);
      t.true(patches.length > 10);
      for (const { id, applies, files } of patches) {
        t.true(applies && files.length > 0, id);
        t.deepEqual([...new Set(files.flatMap(({ offsets }) => offsets))].filter(Boolean), [], id);
      }
    }
  },
);

original('aoeserver-trunk', 'lines 362 and 380', async (t, folder) => {
  const tree = join(folder, 'aoeserver');
  const path = 'linux/drivers/block/aoeserver/aoeproc.c';
  t.deepEqual(await applied('aoeserver', tree, '2.6.26'), [['no-proc-root', [`${path}: 362 380`]]]);
  t.deepEqual(await applied('aoeserver', tree, '2.6.25'), []);
  const { contents } = await plan('aoeserver', tree, '2.6.26');
  const lines = contents.get(path)?.text.split('\n') ?? [];
  for (const number of [362, 380]) {
    t.regex(lines[number - 1] ?? '', /^\s*\/\* remove_proc_entry\(PROCFSNAME, &proc_root\); \*\/\s*$/);
  }
});

// Our own words: only the lines that the guide names are those of the originals.
const kvblade = `/* a module */
#include <linux/kernel.h>
#include <linux/config.h>

static char serial[ATA_SERNO_LEN];
`;

test('kvblade, a small tree: both edits', async (t) => {
  const folder = writeTree(await temporaryFolder(t), { 'kvblade.c': kvblade });
  t.deepEqual(await applied('kvblade', folder, '2.6.21'), [
    ['include-autoconf', ['kvblade.c: 3']],
    ['ata-id-serno-len', ['kvblade.c: 5']],
  ]);
  const { contents } = await plan('kvblade', folder, '2.6.21');
  t.is(
    contents.get('kvblade.c')?.text,
    kvblade.replace('linux/config.h', 'linux/autoconf.h').replace('ATA_SERNO_LEN', 'ATA_ID_SERNO_LEN'),
  );
});

test('kvblade, a tree that was edited already', async (t) => {
  const folder = writeTree(await temporaryFolder(t), { 'kvblade.c': '#include <linux/autoconf.h>\n' });
  const error = await labError(t, () => plan('kvblade', folder, '2.6.21'));
  t.is(error.facts.tried, 'applying the patch include-autoconf to kvblade alpha-3');
  t.is(error.facts.happened, 'found "linux/config.h" 0 times in kvblade.c, expected 1');
});

test('aoeserver, a small tree: lines 362 and 380, and no others', async (t) => {
  const path = 'linux/drivers/block/aoeserver/aoeproc.c';
  const call = '\tremove_proc_entry(PROCFSNAME, &proc_root);';
  const lines = Array<string>(390).fill('\t;');
  const tree = async (places: number[]) =>
    writeTree(await temporaryFolder(t), {
      [path]: lines.map((line, i) => (places.includes(i + 1) ? call : line)).join('\n'),
    });
  t.deepEqual(await applied('aoeserver', await tree([362, 380]), '3.2'), [
    ['no-proc-root', [`${path}: 362 380`]],
  ]);
  const moved = await labError(t, async () => plan('aoeserver', await tree([362, 381]), '3.2'));
  t.regex(moved.facts.happened, /on lines 362, 381 of .*, expected lines 362, 380/);
  const more = await labError(t, async () => plan('aoeserver', await tree([362, 370, 380]), '3.2'));
  t.regex(more.facts.happened, /3 times in .*, expected 2/);
});

const vblade = {
  'main.c': '#include <linux/module.h>\n#include <linux/config.h>\n',
  'net.c':
    '#include "vb.h"\n\nint take(struct sk_buff *skb)\n{\n\treturn skb_linearize(skb, GFP_ATOMIC);\n}\n',
  'vb.h': '#include <linux/config.h>\n',
  Makefile: 'obj-m := vb.o\n',
};

test('vblade-kernel, a small tree: includes and skb_linearize by the kernel', async (t) => {
  const folder = writeTree(await temporaryFolder(t), vblade);
  t.deepEqual(await applied('vblade-kernel', folder, '2.6.17'), []);
  t.deepEqual(await applied('vblade-kernel', folder, '2.6.18'), [
    ['include-autoconf', ['main.c: 2', 'vb.h: 1']],
    ['skb-linearize', ['net.c: 5']],
  ]);
  t.deepEqual(await applied('vblade-kernel', folder, '6.1'), [['skb-linearize', ['net.c: 5']]]);
  const { contents } = await plan('vblade-kernel', folder, '2.6.18');
  t.is(contents.get('net.c')?.text, vblade['net.c'].replace(', GFP_ATOMIC', ''));
  t.is(contents.get('vb.h')?.text, '#include <linux/autoconf.h>\n');
});
