/** What recipes know of the last words of their targets. */
import test from 'ava';
import { loadRecipe, withRelease } from '../../../src/make/recipe/load.js';
import { LOADING } from '../../../src/serve/exports/loading.js';
import { meaningOf } from '../../../src/serve/exports/says.js';

const VARIABLES = {
  path: '/srv/a+b.img',
  iface: 'eth0',
  name: 'e0.1-eth0',
  id: 'e0.1@eth0',
  shelf: 0,
  slot: 1,
};

const said: [string, string, RegExp, RegExp][] = [
  ['vblade', 'open: Read-only file system', /only reading/, /--read-only/],
  ['vblade', 'open: Invalid argument', /no direct I\/O/, /leave out --direct-io/],
  ['vblade', 'open: No such file or directory', /a\+b\.img is not there/, /attach/],
  ['vblade', 'got bad socket: Operation not permitted', /packet sockets/, /root/],
  ['vblade', 'eth0: No such device', /eth0 is not there/, /--iface/],
  ['vblade', 'read network: Network is down', /eth0 is down/, /up/],
  [
    'ggaoed',
    "disk/e0.1-eth0: Failed to open '/srv/a+b.img': Read-only file system",
    /only reading/,
    /--read-only/,
  ],
  ['ggaoed', "disk/e0.1-eth0: Failed to open '/srv/a+b.img': Invalid argument", /direct I\/O/, /--direct-io/],
  [
    'ggaoed',
    "disk/e0.1-eth0: Failed to open '/srv/a+b.img': Device or resource busy",
    /in use/,
    /release it/,
  ],
  ['ggaoed', "disk/e0.1-eth0: stat('/srv/a+b.img') failed: No such file or directory", /not there/, /attach/],
  [
    'qaoed',
    'Failed to open file: /srv/a+b.img - Read-only file system',
    /opens .* for writing, with --read-only too/,
    /native/,
  ],
  ['qaoed', 'Failed to access /srv/a+b.img: No such file or directory', /not there/, /attach/],
];

for (const [name, line, means, next] of said) {
  test(`A10: ${name}'s "${line}" is explained, with the way out`, async (t) => {
    const recipe = await loadRecipe(name);
    for (const release of recipe.releases) {
      const meaning = meaningOf(withRelease(recipe, release).control.says, ['hello', line], VARIABLES);
      t.regex(meaning?.means ?? '', means);
      t.regex(meaning?.next.join() ?? '', next);
    }
  });
}

test('A10: what a daemon said of another export explains nothing', async (t) => {
  const { control } = await loadRecipe('ggaoed');
  const line = "disk/e0.10-eth0: Failed to open '/srv/b': Read-only file system";
  t.is(meaningOf(control.says, [line], VARIABLES), undefined);
});

test('words that no recipe knows explain nothing', (t) => {
  t.is(meaningOf([], ['open: Read-only file system'], VARIABLES), undefined);
  t.is(meaningOf(undefined, ['x'], VARIABLES), undefined);
});

const MODULE = { ...VARIABLES, implementation: 'kvblade', module: 'kvblade' };

/** What insmod of kmod and of busybox say, and the kernel's log after it. */
const refused: [string, string[], RegExp, RegExp][] = [
  [
    'a signature that is missing',
    ['insmod: ERROR: could not insert module /x/kvblade.ko: Key was rejected by service'],
    /signed by a key it knows/,
    /build kvblade --dkms.*mokutil --import[\s\S]*--impl native/,
  ],
  [
    'a signature that is missing, by busybox',
    ["insmod: can't insert 'x.ko': Required key not available", 'Loading of unsigned module is rejected'],
    /signed by a key it knows/,
    /mokutil/,
  ],
  [
    'lockdown',
    [
      'insmod: ERROR: could not insert module /x/kvblade.ko: Operation not permitted',
      'Lockdown: insmod: unsigned module loading is restricted; see man kernel_lockdown.7',
    ],
    /locked down, as Secure Boot/,
    /mokutil/,
  ],
  [
    'a host that loads none',
    ['insmod: ERROR: could not insert module /x/kvblade.ko: Operation not permitted'],
    /modules_disabled|container/,
    /--impl native/,
  ],
  [
    'another kernel',
    [
      'insmod: ERROR: could not insert module /x/kvblade.ko: Invalid module format',
      "kvblade: version magic '6.1.0-49-amd64 SMP' should be '6.1.0-50-amd64 SMP'",
    ],
    /another kernel/,
    /--dkms/,
  ],
  [
    'a symbol',
    [
      'insmod: ERROR: could not insert module x.ko: Unknown symbol in module',
      'kvblade: Unknown symbol foo (err -2)',
    ],
    /lacks a symbol/,
    /another kernel/,
  ],
];
for (const [title, lines, means, next] of refused) {
  test(`C6: a kernel that refuses a module for ${title} is understood`, (t) => {
    const meaning = meaningOf(LOADING, lines, MODULE);
    t.regex(meaning?.means ?? '', means);
    t.regex(meaning?.next.join('\n') ?? '', next);
  });
}

test('A10: what a module says of a device that it may not write is explained', async (t) => {
  for (const [name, line] of [
    ['kvblade', "kvblade: add failed: can't open block device /srv/a+b.img: -30"],
    ['vblade-kernel', "vblade: can't open /srv/a+b.img: -13"],
  ] as const) {
    const { control } = await loadRecipe(name);
    t.regex(meaningOf(control.says, [line], VARIABLES)?.means ?? '', /can only be read/);
  }
});
