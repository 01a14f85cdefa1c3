/**
 * Makes the programs of the package, `dist/bin/NAME.cjs`, out of its compiled modules and the libraries they use: loading some
 * hundred files one by one takes longer than most commands.
 */
import { spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

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

const root = join(import.meta.dirname, '..', '..');
const bin = join(root, 'dist', 'bin');

await mkdir(bin, { recursive: true });
for (const { name, entry, runs } of PROGRAMS) {
  const code = join(bin, `${name}.code.cjs`);
  await build({
    entryPoints: [join(root, entry)],
    outfile: code,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    charset: 'ascii',
    legalComments: 'none',
    logLevel: 'warning',
    // Native code, and what ssh2 does without.
    external: ['koffi', 'cpu-features', '*.node'],
    // The library's usual entry registers itself with require.extensions.
    alias: { handlebars: 'handlebars/dist/cjs/handlebars.js' },
    // V8's scripts know no import().
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': 'moduleUrl' },
    banner: { js: "const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
  });
  await writeFile(code, escaped(await readFile(code, 'utf8')), 'latin1');
  const program = join(bin, `${name}.cjs`);
  await build({
    entryPoints: [join(root, 'dist', 'tools', 'loader.js')],
    outfile: program,
    platform: 'node',
    format: 'cjs',
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
