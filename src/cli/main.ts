#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ExitCode } from '../errors.js';
import { packageRoot } from '../paths.js';

const version = (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string })
  .version;

/** Commands, each in a file of its own that loads what it needs when it runs. */
const COMMANDS = [
  'list',
  'info',
  'doctor',
  'fetch',
  'patch',
  'build',
  'export',
  'unexport',
  'status',
  'logs',
  'restart',
  'migrate',
  'import',
  'discover',
  'identify',
  'read',
  'write',
  'verify',
  'conform',
  'bench',
  'capture',
  'vm',
  'plan',
  'apply',
  'destroy',
  'render',
  'host',
  'demo',
] as const;

async function main(argv: readonly string[]): Promise<number> {
  // Answered before anything is loaded.
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
    process.stdout.write(`${version}\n`);
    return ExitCode.done;
  }
  const { Command, CommanderError } = await import('commander');
  const program = new Command('aoe-lab')
    .description('From a dead tarball to a verified ATA-over-Ethernet export, in one command')
    .version(version)
    .option('-v, --verbose', 'print the commands that are run')
    .option('--debug', 'print stack traces')
    .showHelpAfterError('(aoe-lab help COMMAND shows its options)')
    .exitOverride();
  program.hook('preAction', async () => {
    const { waiting } = await import('../host/lock.js');
    waiting.tell = (line) => {
      void import('../ui/output.js').then(({ note }) => note(line));
    };
    if (!program.opts<{ verbose?: boolean }>().verbose) return;
    const [{ here }, { quoteArgv }, { note }] = await Promise.all([
      import('../host/local.js'),
      import('../host/quote.js'),
      import('../ui/output.js'),
    ]);
    here.onRun = (command) => note(`+ ${quoteArgv(command)}`);
  });
  // Only the command asked for is loaded; help and wrong names need all.
  const word = argv.find((argument) => !argument.startsWith('-'));
  const asked = COMMANDS.find((name) => name === word);
  for (const name of asked === undefined ? COMMANDS : [asked]) {
    const { register } = (await import(`./${name}.js`)) as {
      register(program: InstanceType<typeof Command>): void;
    };
    register(program);
  }
  try {
    await program.parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? ExitCode.done);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
    const [{ describeError, errorAsJson, exitCodeOf }, { note, print }] = await Promise.all([
      import('../ui/errors.js'),
      import('../ui/output.js'),
    ]);
    if (argv.includes('--json')) print(errorAsJson(error), { json: true }, () => '');
    note(describeError(error, argv.includes('--debug')));
    return exitCodeOf(error);
  }
}

process.exitCode = await main(process.argv.slice(2));
