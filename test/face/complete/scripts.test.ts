/** The shells themselves complete by what they are given: zsh on a terminal of its own. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { execa, execaSync } from 'execa';
import { programsFolder } from '../../../src/base/files/paths.js';
import { completionScript, type Shell } from '../../../src/face/complete/scripts.js';

/** What is typed, and the words that the shell makes of it. */
const LINES: readonly (readonly [typed: string, ...words: string[]])[] = [
  ['aoe-lab expo', 'export'],
  ['aoe-lab export --impl nati', 'native'],
  ['aoe-lab export --impl=nati', '--impl=native'],
  ['aoe-lab export --allow in-use,mou', 'in-use,mounted'],
  ['aoe-lab export --file ./spa', './space here.img'],
  ['aoe-lab export --file=./spa', '--file=./space here.img'],
  ['aoe-lab patch vblade --output ./onl', './only folder'],
  ['aoe-lab vm up --accel ', 'auto', 'kvm', 'tcg'],
];

/** Runs a shell in a folder where the program and a file are. @returns what it printed */
async function inShell(shell: Shell, script: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-complete-'));
  try {
    await symlink(join(programsFolder, 'aoe-lab.cjs'), join(folder, 'aoe-lab'));
    await writeFile(join(folder, 'space here.img'), '');
    await mkdir(join(folder, 'only folder'));
    await writeFile(join(folder, 'completion'), completionScript(shell));
    await writeFile(join(folder, 'script'), script);
    const env = { PATH: `${folder}:${process.env.PATH}`, HOME: folder, TERM: 'dumb', LC_ALL: 'C.UTF-8' };
    const argv = { bash: ['--norc', 'script'], zsh: ['-f', 'script'], fish: ['--no-config', 'script'] }[
      shell
    ];
    const { stdout } = await execa(shell, argv, { cwd: folder, env, extendEnv: false, stdin: 'ignore' });
    return stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A test of a shell, or a skip that says why in its title. */
function shellTest(shell: Shell, body: (typed: string) => string): void {
  const { failed } = execaSync('sh', ['-c', `command -v ${shell}`], { reject: false });
  const declare = failed ? test.skip : test;
  declare(`${shell} completes${failed ? ` (skipped: no ${shell})` : ''}`, async (t) => {
    t.timeout(300_000);
    for (const [typed, ...words] of LINES) {
      const text = (await inShell(shell, body(typed))).replaceAll('\\', '');
      for (const word of words) t.true(text.includes(word), `${typed}: ${text}`);
    }
  });
}

// compopt answers only where bash itself completes: what it would do to file names is not seen here.
shellTest(
  'bash',
  (typed) => `source ./completion
COMP_LINE='${typed}' COMP_POINT=${typed.length}
compopt() { :; }
_aoe_lab
current=\${COMP_LINE##* }
printf '%s\\n' "\${COMPREPLY[@]/#/\${current%"\${current##*[@=:]}"}}"
`,
);
shellTest('fish', (typed) => `source ./completion\ncomplete -C '${typed}'\n`);
shellTest(
  'zsh',
  (typed) => `zmodload zsh/zpty
zpty z 'zsh -f -i'
read_until() { text=; while [[ $text != *$1* ]]; do zpty -r z more || break; text+=$more; done; print -r -- $text; }
zpty -w z 'PS1=; unsetopt zle_bracketed_paste; autoload -Uz compinit; compinit -u -D; source ./completion; bindkey "^I" complete-word; finish() { zle -M "EN""D" }; zle -N finish; bindkey "^X" finish; print REA""DY'
read_until READY >/dev/null
zpty -w -n z '${typed}'$'\\t\\x18'
read_until END
`,
);
