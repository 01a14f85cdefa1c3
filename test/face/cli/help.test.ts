import test from 'ava';
import { COMMANDS } from '../../../src/face/cli/run.js';
import { runHere } from './in-process.js';

test.serial('help of a command that there is not says so, with the one that may be meant', async (t) => {
  const { exitCode, stdout, stderr } = await runHere(['help', 'exprot'], 60_000);
  t.is(exitCode, 2);
  t.is(stdout, '');
  t.regex(stderr, /unknown command 'exprot'\n\(Did you mean export\?\)/);
});

test.serial('help of a command, or of one in a group, shows its options', async (t) => {
  for (const [words, shown] of [
    [['help', 'export'], /Usage: aoe-lab export [\s\S]*--iface <IF>/],
    [['help', 'host'], /Usage: aoe-lab host [\s\S]*prepare/],
    [['host', 'help', 'add'], /Usage: aoe-lab host add [\s\S]*--jump <HOSTS>/],
  ] as const) {
    const { exitCode, stdout } = await runHere(words, 60_000);
    t.is(exitCode, 0, words.join(' '));
    t.regex(stdout, shown);
  }
});

test.serial('help shows every command in a group, the usual first', async (t) => {
  const { exitCode, stdout } = await runHere(['help'], 60_000);
  t.is(exitCode, 0);
  const listed = [...stdout.matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name]) => name);
  t.deepEqual(listed, [...COMMANDS, 'help']);
  t.deepEqual(listed.slice(0, 3), ['export', 'status', 'unexport']);
});
