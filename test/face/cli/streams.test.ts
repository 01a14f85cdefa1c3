/** Pipes that break, disks that are full, questions that get no answer, what nobody waits for. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../../base/temporary.js';
import { MAIN } from '../../live/support/cli.js';

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a line of the shell where `aoe-lab` is the command line tool, with a state folder of its own. */
async function shell(t: ExecutionContext, line: string, input = ''): Promise<Outcome & { folder: string }> {
  const folder = await temporaryFolder(t);
  const script = `aoe_lab() { ${process.execPath} "$MAIN" "$@"; }\n${line}`;
  const env = { ...process.env, MAIN, AOE_LAB_STATE: join(folder, 'state'), HOME: folder, NO_COLOR: '1' };
  const child = spawn('bash', ['-c', script], { cwd: folder, env });
  const read = async (stream: Readable): Promise<string> => {
    let text = '';
    for await (const part of stream.setEncoding('utf8')) text += part;
    return text;
  };
  child.stdin.end(input);
  const [stdout, stderr, [status]] = await Promise.all([
    read(child.stdout),
    read(child.stderr),
    once(child, 'close'),
  ]);
  return { status: status as number | null, stdout, stderr, folder };
}

for (const command of ['conform --list', 'plan --schema', '--help']) {
  test(`a reader that leaves: aoe-lab ${command} ends quietly`, async (t) => {
    const { stdout, stderr } = await shell(t, `aoe_lab ${command} | true; echo "\${PIPESTATUS[0]}"`);
    t.is(stderr, '');
    t.is(stdout, '0\n');
  });

  test(`a full disk: aoe-lab ${command} says so in a line, and fails`, async (t) => {
    const { status, stderr } = await shell(t, `aoe_lab ${command} > /dev/full`);
    t.is(status, 1);
    t.is(stderr, 'error writing standard output: no space left on device\n');
  });
}

test('where nothing can be said at all, the exit code still tells', async (t) => {
  t.is((await shell(t, 'aoe_lab list > /dev/full 2> /dev/full')).status, 1);
  t.is((await shell(t, 'aoe_lab nonsense 2> /dev/full')).status, 2);
  t.is((await shell(t, 'set -o pipefail; aoe_lab info nonsense 2>&1 | true')).status, 2);
});

/** A lab with something to do. */
async function lab(t: ExecutionContext): Promise<string> {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'lab.yaml');
  const image = join(folder, 'image');
  const exports = `exports: [{ address: e0.1, host: h, implementation: native, interface: lo, file: ${image}, size: 1M }]`;
  await writeFile(file, `lab: q\nhosts: { h: { ssh: here } }\n${exports}\n`);
  return file;
}

for (const [what, keys] of [
  ['Ctrl-C', '\\003'],
  ['Ctrl-D', '\\004'],
  ['an empty line', '\\n'],
  ['"yess"', 'yess\\n'],
] as const) {
  test(`a question on a terminal: ${what} is no, and nothing is changed`, async (t) => {
    const file = await lab(t);
    // The answer is given when the question is there: script(1) passes on what a pipe holds by then.
    const line = `
      mkfifo keys
      script -qec 'node "$MAIN" apply -f ${file}' /dev/null < keys > shown & exec 3> keys
      until grep -q 'y/N' shown; do sleep 0.05; done
      printf '${keys}' >&3
      wait $!; code=$?; exec 3>&-; cat shown; exit $code`;
    const { status, stdout, folder } = await shell(t, line);
    t.is(status, 1, stdout);
    t.regex(stdout, /error apply on lab q\r?\n {2}you declined; nothing was changed/);
    t.false((await readdir(folder)).includes('state'));
    await t.throwsAsync(access(join(file, '..', 'image')), { code: 'ENOENT' });
  });
}

test('a question where nobody can be asked names the option', async (t) => {
  const { status, stderr } = await shell(t, `aoe_lab apply -f ${await lab(t)}`, 'y\n');
  t.is(status, 2);
  t.regex(stderr, /there is no terminal to ask on\n {2}→ give --yes/);
});

for (const [what, error, status, words] of [
  [
    'a full disk',
    '{ code: "ENOSPC", syscall: "write", path: "/x\\x1b" }',
    1,
    /^error writing \/x\\x1b\n {2}no space left on device\n {2}→ make room/,
  ],
  [
    'no permission',
    '{ code: "EACCES", syscall: "open", path: "/x" }',
    3,
    /^error opening \/x\n {2}permission denied\n {2}→ run it as root/,
  ],
  ['a bug', '{}', 1, /^error x\nThis is a fault of aoe-lab itself/],
] as const) {
  test(`what fails beside the command: ${what}`, async (t) => {
    const code = `process.on("newListener", (name) => { if (name === "uncaughtException") setImmediate(() => { Promise.reject(Object.assign(new Error("x"), ${error})); }); });`;
    const { status: ended, stderr } = await shell(
      t,
      `${process.execPath} --import 'data:text/javascript,${encodeURIComponent(code)}' "$MAIN" conform --list`,
    );
    t.is(ended, status);
    t.regex(stderr, words);
    t.notRegex(stderr, /^\s+at /m);
  });
}
