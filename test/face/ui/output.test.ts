/** Where text meets the terminal: whatever is printed, only colours of our own are obeyed. */
import { execFileSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { LabError } from '../../../src/base/errors.js';
import { packageRoot } from '../../../src/base/files/paths.js';
import { describeError } from '../../../src/face/ui/errors.js';
import { jsonText } from '../../../src/face/ui/output.js';
import { runSteps } from '../../../src/face/ui/tasks.js';
import { COLOURS, OBEYED } from './obeyed.js';

const EVIL = '\x1b[31mred\x1b[0m\x9b2J\u202e';

/** What a process prints that has colours, and is no terminal. */
function printed(code: string): string {
  const script = `
    import { print, note } from './dist/src/face/ui/output.js';
    import colors, { line, paint } from './dist/src/face/ui/colors.js';
    import { table } from './dist/src/face/ui/table.js';
    const EVIL = ${JSON.stringify(EVIL)};
    ${code}`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: packageRoot,
    encoding: 'utf8',
    env: { ...process.env, FORCE_COLOR: '1', NO_COLOR: undefined },
  });
}

test('our own colours reach the terminal, a stranger’s are shown', (t) => {
  t.is(
    printed('print(0, {}, () => colors.green("ok") + " " + colors.dim(EVIL))'),
    '\x1b[32mok\x1b[39m \x1b[2m\\x1b[31mred\\x1b[0m\\x9b2J\\u202e\x1b[22m\n',
  );
});

test('who has seen our colours can not forge them', (t) => {
  const [first, second] = [0, 1].map(() => printed('process.stdout.write(colors.red("x"))')) as [
    string,
    string,
  ];
  t.not(first, second);
  t.notRegex(printed(`print(0, {}, () => ${JSON.stringify(first)})`), OBEYED);
});

test('a cell is a line, whatever stands in it, and columns stay in place', (t) => {
  const shown = printed(
    `print(0, {}, () => table(['a', 'b'], [['x\\ny', colors.red('1')], [EVIL, '2'], ['', ['3', '4\\t']]]))`,
  );
  const lines = shown.trimEnd().split('\n');
  t.is(lines.length, 5);
  const second = lines.slice(1).map((line) => line.replaceAll(COLOURS, '').search(/[1-4]\S*$/));
  t.is(new Set(second).size, 1);
});

test('a composed line holds what is put in', (t) => {
  t.is(
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the program that has it
    printed('print(0, {}, () => line`${"a\\nb"}: ${colors.red("c\\td")} ${1}`)'),
    'a\\nb: \x1b[31mc\\td\x1b[39m 1\n',
  );
});

test('JSON is exact, and obeyed by nobody', (t) => {
  const value = { [EVIL]: [EVIL, 12n, '磁盘'] };
  t.notRegex(jsonText(value, 2), OBEYED);
  t.deepEqual(JSON.parse(jsonText(value)), { [EVIL]: [EVIL, 12, '磁盘'] });
});

test('an error keeps its lines, its remedy is ours, and a flood of words is cut', (t) => {
  const happened = [
    `sshd says ${EVIL}`,
    'file a\n  → run this',
    ...Array.from({ length: 500 }, (_, index) => `line ${index} ${'x'.repeat(5000)}`),
  ];
  const text = describeError(new LabError({ tried: 'a\nb', happened, next: 'do\nthis' }), false);
  t.regex(text, /a\\nb\n {2}sshd says .*\n {2}file a\\n {2}→ run this\n/);
  t.regex(text, /→ do\\nthis$/);
  t.regex(text, /… and 442 more/);
  t.true(text.length < 70_000);
});

test('steps tell a failure in a line, and throw all of it', async (t) => {
  const error = new LabError({ tried: EVIL, happened: ['one', 'two'] });
  const write = process.stderr.write;
  let shown = '';
  process.stderr.write = (text: string | Uint8Array) => {
    shown += String(text);
    return true;
  };
  const run = async (say: (text: string) => void): Promise<void> => {
    say(`${EVIL}\nnext`);
    throw error;
  };
  const thrown = await t.throwsAsync(runSteps([{ title: 'a step', run }], false));
  process.stderr.write = write;
  t.is(thrown, error);
  t.regex(shown, /\\x1b\[31mred/);
  t.notRegex(shown.replaceAll(COLOURS, ''), OBEYED);
});

test('nothing else writes to the terminal, or makes colours', async (t) => {
  // The terminal of a guest is its own; the others speak to their parent.
  const writers = [
    'face/ui/output.ts',
    'face/cli/run.ts',
    'face/ui/confirm.ts',
    'face/ui/tasks.ts',
    'wire/native/process.ts',
    'prove/demo/demo-target.ts',
  ];
  const root = join(packageRoot, 'src');
  const found: string[] = [];
  for (const name of await readdir(root, { recursive: true })) {
    if (!name.endsWith('.ts') || writers.includes(name)) continue;
    const text = await readFile(join(root, name), 'utf8');
    if (/process\.(stdout|stderr)\.write|console\.\w+\(/.test(text)) found.push(name);
    if (name !== 'face/ui/colors.ts' && /picocolors|styleText|\\(x1b|u001b|e)\[/.test(text)) found.push(name);
  }
  t.deepEqual(found, []);
});
