/** Whatever is taken over from a shell's text is what a real shell makes of it, whatever its conditions come to. */
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { parseScript } from '../../../src/manage/import/commands.js';
import type { FoundExport } from '../../../src/manage/import/found.js';
import { parseVblade } from '../../../src/manage/import/vblade.js';
import { temporaryFolder } from '../../base/temporary.js';

const HOMES = new Map([['', '/root']]);

const NAMES = ['options', 'filename', 'slot', 'shelf', 'netif', 'X'];
const VALUES = [
  '-r',
  '-m 02:00:00:00:00:01',
  '-d',
  '/srv/a',
  '/srv/b',
  '1',
  '2',
  'eth0',
  '',
  '$X',
  '$options',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
  '${X}',
];

const quoted = fc
  .tuple(fc.constantFrom(...VALUES), fc.constantFrom('"', "'", '', 'mixed', '\\'))
  .map(([value, quote]) => {
    if (quote === 'mixed') return `"${value.slice(0, 2)}"'${value.slice(2)}'`;
    if (quote === '\\') return value.replaceAll(/[ $]/g, '\\$&');
    return `${quote}${value}${quote}`;
  });
const word = fc.array(quoted, { minLength: 1, maxLength: 2 }).map((parts) => parts.join(''));
const assignment = fc.tuple(fc.constantFrom(...NAMES), word).map(([name, value]) => `${name}=${value}`);
const simple = fc.oneof(
  { weight: 6, arbitrary: assignment },
  assignment.map((one) => `export ${one}`),
  fc.tuple(assignment, assignment).map((two) => two.join(' ')),
  fc.constantFrom(...NAMES).map((name) => `unset ${name}`),
  fc.constantFrom(
    ':',
    'true',
    'false',
    '# options=-r',
    'options=-r # more',
    'options="-r\n-d"',
    'options=-r\\\n',
    'f',
    'IFS=r',
  ),
  fc.constantFrom('read X < /dev/null', 'eval options=-d', '. ./more', 'exit', 'return'),
  fc.constantFrom(
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
    ': ${options:=-r}',
    ': $((slot = 2))',
    'command export options=-d',
    'command . ./more',
    'readonly options',
    'for options in -r; do :; done',
  ),
  fc.constantFrom(
    'set -e',
    'set -n',
    'set -eu',
    'set -u',
    'set -o noexec',
    'set -- -r',
    'set -x',
    'shift',
    'trap f EXIT',
  ),
);
const test_ = fc.constantFrom('true', 'false', '[ -n "$COIN" ]', '! true', '[ "$X" = -r ]');
const statement = fc.oneof(
  { weight: 5, arbitrary: simple },
  fc.tuple(test_, simple, simple).map(([when, one, other]) => `if ${when}; then\n${one}\nelse ${other}\nfi`),
  fc
    .tuple(test_, simple)
    .map(([when, one]) => `${when} && ${one.includes('\n') ? ':' : one.replace(/ ?#.*/, '') || ':'}`),
  fc
    .tuple(test_, simple)
    .map(([when, one]) => `${when} || ${one.includes('\n') ? ':' : one.replace(/ ?#.*/, '') || ':'}`),
  simple.map((one) => `case $COIN in\n(x) ${one}\n;;\n*) :;; esac`),
  simple.map((one) => `for i in 1 2; do ${one}\ndone`),
  simple.map((one) => `f() {\n${one}\n}`),
  simple.map((one) => `{ ${one}\n}`),
  simple.map((one) => `( ${one}\n)`),
  simple.map((one) => `cat << 'END' > /dev/null\n${one}\nEND`),
  simple.map((one) => `${one.replace(/ ?#.*/, '') || ':'} | cat`),
  simple.map((one) => `${one.replace(/ ?#.*/, '') || ':'} &`),
);
const separator = fc.constantFrom('\n', '\n', '\n', ';');
const text = fc
  .array(fc.tuple(statement, separator), { minLength: 0, maxLength: 5 })
  .map((all) =>
    all.map(([one, end]) => `${one}${end === ';' && !/[&#]|END$/.test(one) ? ';' : '\n'}`).join(''),
  );

/** What getopt(3) of glibc makes of vblade's words, where they are right. */
function vblade(words: readonly string[]): object | undefined {
  const operands: string[] = [];
  const options: { readOnly?: boolean; directIo?: boolean; macs?: string[] } = {};
  for (let at = 0; at < words.length; at++) {
    const one = words[at] as string;
    if (one === '-r') options.readOnly = true;
    else if (one === '-d') options.directIo = true;
    else if (one === '-rd' || one === '-dr') Object.assign(options, { readOnly: true, directIo: true });
    else if (one === '-m') options.macs = [...new Set([...(options.macs ?? []), words[++at] as string])];
    else if (one.startsWith('-')) return undefined;
    else operands.push(one);
  }
  const [shelf, slot, iface, path] = operands;
  return operands.length === 4
    ? { shelf: Number(shelf), slot: Number(slot), iface, path, options }
    : undefined;
}

/** Of what a shell can't read at all, the package takes nothing. */
function isRead(script: string): boolean {
  return spawnSync('sh', ['-n'], { input: script }).status === 0;
}

function factsOf({ shelf, slot, iface, path, options }: FoundExport): object {
  return { shelf, slot, iface, path, options };
}

test('E: a fragment of Debian’s: what is taken over is what the shell that reads it makes of it', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'run'));
  await writeFile(join(folder, 'more'), 'options=-d\nX=-d\n');
  const print = 'printf "%s\\0" $shelf $slot $netif "$filename" $options';
  let taken = 0;
  fc.assert(
    fc.property(text, (middle) => {
      const fragment = `shelf=0\nslot=1\nnetif=eth0\nfilename=/srv/a\n${middle}`;
      const { exports } = parseVblade('f', fragment, HOMES);
      const [found] = exports;
      if (found === undefined || !isRead(fragment)) return;
      taken++;
      for (const coin of ['', 'x']) {
        const script = `${fragment}\n${print}`;
        const { stdout } = spawnSync('sh', ['-c', script], {
          cwd: folder,
          env: { COIN: coin, PATH: '/bin:/usr/bin', HOME: '/root' },
        });
        const words = stdout.toString().split('\0').slice(0, -1);
        t.deepEqual(vblade(words), factsOf(found), JSON.stringify({ fragment, words }));
      }
    }),
    { numRuns: 300 },
  );
  t.true(taken > 40, `${taken} of 300`);
});

const SETTING = {
  'for options in -r; do :; done': 'the loop in line 6 sets it',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
  ': ${options:=-r}': '${options:=…} may set it',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
  'cat << END\n${options=-r}\nEND': '${options=…} may set it',
  ': $((options += 1))': 'arithmetic may set it',
  'options[0]=-r': 'options[0]=… may set it',
  'declare -n o=options; o=-r': 'o=options stands for another variable (line 6)',
  'command export options=$X': 'is split by some shells',
  'builtin eval options=-r': 'eval in line 6 may set it',
  'command . /etc/more': 'the file included in line 6 may set it',
  'set -e; false; options=-r': 'it may end the shell that reads it',
  'set -eu; X=$(cat /etc/more); options=-r': 'it may end the shell that reads it',
  'set -u; X=$UNSET; options=-r': 'it may end the shell that reads it',
  'set -n; options=-r': 'it may end the shell that reads it',
  'set -o noexec; options=-r': 'it may end the shell that reads it',
  'set $X; options=-r': 'it may end the shell that reads it',
  'shift; options=-r': 'it may end the shell that reads it',
  'readonly options; options=-r': 'it may end the shell that reads it',
  'readonly X=1; eval X=2': 'it may end the shell that reads it',
};

for (const [statement, why] of Object.entries(SETTING)) {
  test(`E: options that are set in ways that can't be told: ${statement.replaceAll('\n', ' ')}`, (t) => {
    const { exports, leftOut } = parseVblade(
      'f',
      `shelf=0\nslot=1\nnetif=eth0\nfilename=/srv/a\noptions=\n${statement}\n`,
      HOMES,
    );
    t.deepEqual(exports, []);
    t.true(leftOut[0]?.reason.includes(why), leftOut[0]?.reason);
  });
}

test('E: a script that ends where something fails: what comes before that is taken over, and what can not fail does no harm', (t) => {
  const start = (slot: number) => `vblade 0 ${slot} eth0 /srv/a &\n`;
  const script = `set -e -x\nX=1\n${start(1)}${start(2)}ip link set eth0 up\n${start(3)}exit 0\n`;
  const { exports, leftOut } = parseScript({ file: 'f' }, script);
  t.deepEqual(
    exports.map(({ slot }) => slot),
    [1, 2],
  );
  t.deepEqual(
    leftOut.map(({ reason }) => reason),
    ['the script may end before it (line 5)'],
  );
});

test('E: a script: what is taken over is what it runs', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'more'), 'options=-d\nX=-d\n');
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'vblade'), '#!/bin/sh\nprintf "%s\\0" "$@" >&3\nprintf "\\n" >&3\n', {
    mode: 0o755,
  });
  const start = fc
    .tuple(
      fc.constantFrom('', 'nohup ', 'exec ', 'env A=1 '),
      fc.constantFrom('$options', '"$options"', '-r', ''),
      fc.constantFrom('$filename', '"$filename"', "/srv/'b'"),
      fc.constantFrom('', ' -r', ' -d', ' > /dev/null 2>&1', ' &'),
    )
    .map(([carrier, options, file, more]) => `${carrier}vblade ${options} 0 1 eth0 ${file}${more}`);
  let taken = 0;
  fc.assert(
    fc.property(text, start, text, (before, line, after) => {
      const script = `filename=/srv/a\n${before}\n${line}\n${after}`;
      const { exports } = parseScript({ file: 'f' }, script);
      if (exports.length === 0 || !isRead(script)) return;
      taken++;
      for (const coin of ['', 'x']) {
        const { output } = spawnSync('sh', ['-c', script], {
          cwd: folder,
          env: { COIN: coin, PATH: `${bin}:/bin:/usr/bin`, HOME: '/root' },
          stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
        });
        const runs = String(output[3])
          .split('\n')
          .slice(0, -1)
          .map((one) => vblade(one.split('\0').slice(0, -1)));
        for (const one of exports) t.deepEqual(runs[0], factsOf(one), JSON.stringify({ script, runs }));
      }
    }),
    { numRuns: 300 },
  );
  t.true(taken > 30, `${taken} of 300`);
});
