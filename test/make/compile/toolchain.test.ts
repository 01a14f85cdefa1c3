import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { LocalHost } from '../../../src/hosts/host/local.js';
import { findRequirement, missingFor } from '../../../src/make/compile/requirements.js';
import { findToolchain, parseCompiler } from '../../../src/make/compile/toolchain.js';
import { temporaryFolder } from '../../base/temporary.js';
import { sharedFolder, writeTree } from '../patch/trees.js';

process.env.AOE_LAB_CACHE = sharedFolder();

test.serial('what is missing is listed once each, with the package that brings it', (t) => {
  const missing = missingFor([
    { command: 'sh', debian: 'dash' },
    { command: 'no-such-tool', debian: 'tool' },
    { header: 'no/such.h', debian: 'such-dev' },
    { file: '/no/such/file', debian: 'files' },
    { command: 'no-such-tool', debian: 'tool' },
    { file: '/', debian: 'base-files' },
  ]);
  t.deepEqual(missing, [
    { kind: 'command', name: 'no-such-tool', debian: 'tool' },
    { kind: 'header', name: 'no/such.h', debian: 'such-dev' },
    { kind: 'file', name: '/no/such/file', debian: 'files' },
  ]);
});

test.serial('headers are found through CPATH, commands through PATH if they can be run', async (t) => {
  const folder = writeTree(await temporaryFolder(t), {
    'our/own.h': '',
    plain: '',
    'bin/tool': '#!/bin/sh\n',
  });
  chmodSync(join(folder, 'bin/tool'), 0o755);
  const { CPATH, PATH } = process.env;
  t.teardown(() => {
    if (CPATH === undefined) delete process.env.CPATH;
    process.env.PATH = PATH;
  });
  process.env.CPATH = `/nowhere:${folder}`;
  process.env.PATH = `${folder}:${folder}/bin`;
  t.is(findRequirement({ header: 'our/own.h', debian: 'x' }), join(folder, 'our/own.h'));
  t.is(findRequirement({ command: 'tool', debian: 'x' }), join(folder, 'bin/tool'));
  t.is(findRequirement({ command: 'plain', debian: 'x' }), undefined);
});

test('gcc and clang are told apart, with version and target', (t) => {
  t.deepEqual(
    parseCompiler('Target: x86_64-linux-gnu\nThread model: posix\ngcc version 12.2.0 (Debian 12.2.0-14) \n'),
    {
      kind: 'gcc',
      version: '12.2.0',
      target: 'x86_64-linux-gnu',
    },
  );
  t.deepEqual(parseCompiler('Debian clang version 14.0.6\nTarget: aarch64-unknown-linux-musl\n'), {
    kind: 'clang',
    version: '14.0.6',
    target: 'aarch64-unknown-linux-musl',
  });
});

test.serial('a compiler is asked once, and again only when its program changes', async (t) => {
  const folder = await temporaryFolder(t);
  const compiler = join(folder, 'cc');
  const asked = join(folder, 'asked');
  const write = (version: string) => {
    writeFileSync(
      compiler,
      `#!/bin/sh\necho "$@" >> ${asked}\necho 'gcc version ${version}' >&2\necho 'Target: sparc-linux-musl' >&2\n`,
    );
    chmodSync(compiler, 0o755);
  };
  write('4.8');
  process.env.CC = `${compiler} -m64`;
  t.teardown(() => delete process.env.CC);
  const expected = { compiler: `${compiler} -m64`, kind: 'gcc', target: 'sparc-linux-musl', libc: 'musl' };
  t.deepEqual(await findToolchain(), { ...expected, version: '4.8' } as never);
  t.deepEqual(await findToolchain(new LocalHost()), { ...expected, version: '4.8' } as never);
  t.is(readFileSync(asked, 'utf8'), '-m64 -v\n');
  write('14.2.0');
  t.is((await findToolchain())?.version, '14.2.0');
  t.is(readFileSync(asked, 'utf8'), '-m64 -v\n-m64 -v\n');
});

test.serial('no compiler is no error', async (t) => {
  process.env.CC = '/no/such/compiler';
  t.teardown(() => delete process.env.CC);
  t.is(await findToolchain(), undefined);
  t.deepEqual(missingFor([{ command: 'gcc', debian: 'gcc' }]), [
    { kind: 'command', name: 'gcc', debian: 'gcc' },
  ]);
});
