/**
 * Makes the programs of the package, `dist/bin/NAME.cjs`, out of its compiled modules and the libraries they use: loading some
 * hundred files one by one takes longer than most commands.
 */
import { spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

/**
 * Each program's entry, and the command lines that show which code there is to compile. None of them changes anything; sqaoed has
 * none that ends by itself.
 */
const PROGRAMS = [
  { name: 'native', entry: 'dist/src/wire/native/main.js', runs: [[]] },
  { name: 'sqaoed', entry: 'dist/src/wire/native/sqaoed.js', runs: [] },
  {
    name: 'aoe-lab',
    entry: 'dist/src/face/cli/main.js',
    runs: [
      ['status'],
      ['export', '--impl', 'native', '--iface', 'lo', '--shelf', '0', '--slot', '1', '--dry-run'],
    ],
  },
];

/** Libraries of which most commands need nothing: each a file of its own, `lib/NAME.cjs`, read where it is imported. */
const APART = ['simple-git', 'ssh2', 'undici'];

const smaller: Plugin = {
  name: 'smaller',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: new RegExp(`^(?:${APART.join('|')})$`) }, ({ path, kind }) =>
      kind === 'entry-point' ? undefined : { path: `./lib/${path}.cjs`, external: true },
    );
    // Messages in some fifty languages.
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

/** V8's scripts know no import(). Names stay, since errors tell them; the size is what reading takes. */
const COMMON: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  charset: 'ascii',
  legalComments: 'none',
  logLevel: 'warning',
  minifyWhitespace: true,
  minifySyntax: true,
  supported: { 'dynamic-import': false },
  plugins: [smaller],
  // Native code, and what ssh2 does without.
  external: ['koffi', 'cpu-features', '*.node'],
};

/** As Module.wrap adds them, which would copy all of the code each time. */
const WRAPPER = ['(function (exports, require, module, __filename, __dirname) { ', '\n})'] as const;

const root = join(import.meta.dirname, '..', '..');
const bin = join(root, 'dist', 'bin');

await mkdir(bin, { recursive: true });
for (const name of APART) {
  await build({
    ...COMMON,
    entryPoints: [name],
    absWorkingDir: root,
    outfile: join(bin, 'lib', `${name}.cjs`),
  });
}
for (const { name, entry, runs } of PROGRAMS) {
  const code = join(bin, `${name}.code.cjs`);
  await build({
    ...COMMON,
    entryPoints: [join(root, entry)],
    outfile: code,
    // The library's usual entry registers itself with require.extensions.
    alias: { handlebars: 'handlebars/dist/cjs/handlebars.js' },
    define: { 'import.meta.url': 'moduleUrl' },
    banner: { js: `${WRAPPER[0]}const moduleUrl = require('node:url').pathToFileURL(__filename).href;` },
    footer: { js: WRAPPER[1] },
  });
  await writeFile(code, escaped(await readFile(code, 'utf8')), 'latin1');
  const program = join(bin, `${name}.cjs`);
  await build({
    entryPoints: [join(root, 'dist', 'tools', 'loader.js')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    define: { IS_TOOL: String(name === 'aoe-lab') },
    banner: { js: '#!/usr/bin/env node' },
  });
  await chmod(program, 0o755);
  await compile(name, program, runs);
}

/** The bundler leaves templates with a tag, and comments, as they are; what a tag is given is the same. */
function escaped(code: string): string {
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Leaves what V8 compiled in these runs beside the program. */
async function compile(name: string, program: string, runs: readonly string[][]): Promise<void> {
  const cache = join(bin, `${name}.cache`);
  await rm(cache, { force: true });
  const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-bundle-'));
  try {
    for (const run of runs) {
      const made = join(folder, 'cache');
      const env = {
        ...process.env,
        HOME: folder,
        AOE_LAB_STATE: join(folder, 'state'),
        AOE_LAB_CACHE: join(folder, 'store'),
        AOE_LAB_COMPILED: made,
      };
      spawnSync(process.execPath, [program, ...run], { env, stdio: 'ignore' });
      await copyFile(made, `${cache}.new`);
      // The program may have set another umask.
      await chmod(`${cache}.new`, 0o644);
      await rename(`${cache}.new`, cache);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
