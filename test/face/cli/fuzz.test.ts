/** Wrong values for every command: whatever a person types is answered in words. */
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Command } from 'commander';
import { commandTree } from '../../../src/face/cli/run.js';
import { Dice } from '../../fuzz/mutate.js';
import { OBEYED } from '../ui/obeyed.js';
import { runHere, shelter } from './in-process.js';
import { ODD_VALUES } from './odd-values.js';

const RUNS = Number(process.env.AOE_LAB_FUZZ_RUNS ?? 1000);
const SEED = Number(process.env.AOE_LAB_FUZZ_SEED ?? Date.now() % 2 ** 31);
/** Milliseconds for one command, on a machine that has other things to do. */
const PATIENCE = 120_000;

/** They would act on the machine, or show on purpose what is looked for. */
const LEFT_OUT = ['--install', '--in-place', '--yes', '--debug', '--verbose', '--help', '--version'];
/** Or the network is asked, and gigabytes are written. */
const ALWAYS: Readonly<Record<string, readonly string[]>> = {
  '--offline': [],
  'bench --file-size': ['1M', '-1', '0', '1.5'],
  'demo --size': ['-1', '0', '1.5', '513', '4k'],
};

const WRONG: readonly [string, RegExp][] = [
  ['a fault of its own', /fault of aoe-lab/],
  ['a stack trace', /^\s+at .*[:(]\d+|file:\/\/\/.*\.js:\d+/m],
  [
    'an error of JavaScript',
    /\b(Type|Range|Reference|Syntax)Error\b|is not a function|Cannot read prop|\[object /,
  ],
  ['what a terminal obeys', OBEYED],
];

test(`${RUNS} commands with wrong values are answered in words`, async (t) => {
  t.timeout(60_000 + RUNS * 2000);
  t.log(`seed ${SEED}`);
  const folder = await shelter(t);
  const dice = new Dice(SEED);
  const commands = leaves(await commandTree(['help']));
  t.true(commands.length > 30);
  const found = new Map<string, string>();
  for (let index = 0; index < RUNS; index++) {
    const argv = await wordsFor(commands[index % commands.length] as Leaf, dice, folder);
    const { exitCode, output } = await runHere(argv, PATIENCE);
    const faults = WRONG.filter(([, pattern]) => pattern.test(output)).map(([what]) => what);
    if (exitCode === undefined) faults.push('no end');
    else if (![0, 1, 2, 3, 4, 5].includes(exitCode)) faults.push(`exit code ${exitCode}`);
    if (exitCode !== 0 && output.trim() === '') faults.push('no word');
    for (const fault of faults) {
      const key = `${argv[0]}: ${fault}: ${output.slice(0, 200)}`;
      if (!found.has(key)) found.set(key, JSON.stringify(argv));
    }
  }
  await t.throwsAsync(access('pwned'), { code: 'ENOENT' }, 'a shell has run what was given as a value');
  t.deepEqual([...found], []);
});

interface Leaf {
  path: string[];
  command: Command;
}

function leaves(command: Command, path: string[] = []): Leaf[] {
  if (command.commands.length === 0) return [{ path, command }];
  return command.commands.flatMap((one) => leaves(one, [...path, one.name()]));
}

/** Most values are those of a command that is in order, so that the odd ones get far; what they name is not there. */
async function wordsFor({ path, command }: Leaf, dice: Dice, folder: string): Promise<string[]> {
  const words = [...path];
  const value = async (name: string, shape: string): Promise<string> => {
    const sane = SANE[name];
    if (sane !== undefined && dice.roll(10) > 0) return dice.pick(sane);
    if (PATHS.test(shape) && dice.roll(3) > 0) return pathFor(shape, dice, folder);
    return dice.pick(ODD_VALUES);
  };
  for (const option of command.options) {
    const name = option.long as string;
    if (LEFT_OUT.includes(name)) continue;
    const always = ALWAYS[name] ?? ALWAYS[`${path[0]} ${name}`];
    if (always !== undefined) {
      words.push(name, ...(always.length === 0 ? [] : [dice.pick(always)]));
      continue;
    }
    if (option.mandatory || option.description === 'the lab' ? dice.roll(40) > 0 : dice.roll(6) === 0)
      words.push(name);
    else continue;
    if (option.isBoolean()) continue;
    const { argChoices } = option;
    words.push(argChoices && dice.roll(4) > 0 ? dice.pick(argChoices) : await value(name, option.flags));
  }
  for (const argument of command.registeredArguments) {
    const count = argument.required ? Math.min(dice.roll(20), 1) : dice.roll(argument.variadic ? 3 : 2);
    for (let left = count; left > 0; left--) words.push(await value(argument.name(), argument.name()));
  }
  // Two alike are one too many now and then.
  return dice.roll(20) === 0 ? [...words, dice.pick(ODD_VALUES)] : words;
}

const PATHS = /FILE|PATH|DIR|FOLDER|WHERE/;

const SANE: Readonly<Record<string, readonly string[]>> = {
  '--impl': ['native', 'native', 'native', 'vblade', 'ggaoed', 'qaoed', 'kvblade', 'native,vblade'],
  '--to': ['native', 'vblade'],
  '--release': ['25', '1.1', '1'],
  '--shelf': ['0', '7'],
  '--slot': ['0', '1'],
  '--iface': ['nope0', 'nope1'],
  '--wire': ['nope0'],
  '--host': ['127.0.0.1:1', 'here'],
  '--size': ['1M', '4k'],
  '--offset': ['0', '512', '4k'],
  '--length': ['8', '512'],
  '--queue-length': ['8'],
  '--buffer-count': ['8'],
  '--mac': ['00:11:22:33:44:55'],
  '--from': ['vblade', 'ggaoed', 'qaoed', 'kvblade'],
  '--wait': ['1'],
  '--parallel': ['1'],
  '--count': ['1'],
  '--seconds': ['1'],
  '--rounds': ['1'],
  '--mtu': ['1500'],
  '--depth': ['1'],
  '--mix': ['read'],
  '--var': ['a=b'],
  '--jobs': ['1'],
  '--port': ['1'],
  '--kernel': ['6.1'],
  '--client-kernel': ['6.1'],
  '--only': ['header.*'],
  '--test': ['1'],
  '--memory': ['256'],
  '--cpus': ['1'],
  '--link': ['1500'],
  '--module': ['aoe'],
  '--target': ['here', 'vm'],
  '--initiator': ['here', 'vm'],
  ADDRESS: ['e0.1', '127.0.0.1'],
  EXPORT: ['e0.1'],
  IMPL: ['native', 'vblade', 'ggaoed', 'qaoed', 'kvblade'],
  NAME: ['one', 'two'],
  COMMAND: ['true'],
};

async function pathFor(shape: string, dice: Dice, folder: string): Promise<string> {
  if (/--file.*<FILE>/.test(shape) && dice.roll(6) > 0) return labFile(dice, folder);
  const ours = [
    'file',
    'noise',
    'folder',
    'loop',
    'dangling',
    'file/x',
    'new',
    'no/such/folder/x',
    'x'.repeat(300),
    'loop/x',
  ];
  return dice.pick([
    ...ours.map((one) => join(folder, one)),
    '/dev/full',
    '/dev/null',
    '/dev/null/x',
    '/proc/self/nope',
    '/dev/nope',
  ]);
}

/** A lab with one or two odd values, for an interface that is not there. */
async function labFile(dice: Dice, folder: string): Promise<string> {
  const odd = (usual: unknown): unknown => {
    if (dice.roll(5) > 0) return usual;
    return dice.pick([...ODD_VALUES, null, -1, 1.5, 1e300, true, [], {}, ['x'], { x: 'y' }]);
  };
  const key = (usual: string): string => (dice.roll(5) > 0 ? usual : dice.pick(ODD_VALUES));
  const lab = odd({
    lab: odd('fuzz'),
    segments: odd({ [key('wire')]: odd({ interface: odd('nope0'), mtu: odd(9000) }) }),
    hosts: odd({ [key('one')]: odd({ ssh: odd('here') }) }),
    exports: odd([
      odd({
        address: odd('e0.1'),
        host: odd('one'),
        implementation: odd('native'),
        segment: odd('wire'),
        file: odd(join(folder, 'image')),
        size: odd('1M'),
        options: odd({
          [key('readOnly')]: odd(true),
          queueLength: odd(8),
          macs: odd(['00:11:22:33:44:55']),
        }),
      }),
    ]),
  });
  const path = join(folder, `lab-${dice.roll(1e9)}.yaml`);
  await writeFile(path, JSON.stringify(lab));
  return path;
}
