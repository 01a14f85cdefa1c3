import { ExitCode } from '../../base/errors.js';
import { packageRoot } from '../../base/files/paths.js';
import { isVersionAsked, versionOf } from './version.js';

const version = versionOf(packageRoot);

/** Commands, each in a file of its own that loads what it needs when it runs. */
export const COMMANDS = [
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
  'access',
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

/** Runs the command that these words are, and tells what went wrong. @returns the exit code */
export async function run(argv: readonly string[]): Promise<number> {
  // Answered before anything is loaded: by the program itself, where it is one (see tools/loader.ts).
  if (isVersionAsked(argv)) {
    process.stdout.write(`${version}\n`);
    return ExitCode.done;
  }
  const program = await commandTree(argv);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? ExitCode.done);
  } catch (error) {
    return complain(error, argv);
  }
}

/** The commands with their options. @param argv only the command asked for is loaded; help and wrong names need all */
export async function commandTree(argv: readonly string[]) {
  const [{ Command }, { note, printPart }] = await Promise.all([
    import('commander'),
    import('../ui/output.js'),
  ]);
  const program = new Command('aoe-lab')
    .description('From a dead tarball to a verified ATA-over-Ethernet export, in one command')
    .version(version)
    .option('-v, --verbose', 'print the commands that are run')
    .option('--debug', 'print stack traces')
    .showHelpAfterError('(aoe-lab help COMMAND shows its options)')
    // It repeats what was typed.
    .configureOutput({ writeOut: printPart, writeErr: (text) => note(text.replace(/\n$/, '')) })
    .exitOverride();
  program.hook('preAction', async () => {
    const { waiting } = await import('../../hosts/host/lock.js');
    waiting.tell = note;
    if (!program.opts<{ verbose?: boolean }>().verbose) return;
    const [{ here }, { showArgv }] = await Promise.all([
      import('../../hosts/host/local.js'),
      import('../../hosts/host/quote.js'),
    ]);
    here.onRun = (command) => note(`+ ${showArgv(command)}`);
  });
  const word = argv.find((argument) => !argument.startsWith('-'));
  const asked = COMMANDS.find((name) => name === word);
  for (const name of asked === undefined ? COMMANDS : [asked]) {
    const { register } = (await import(`./${name}.js`)) as {
      register(program: InstanceType<typeof Command>): void;
    };
    register(program);
  }
  return program;
}

async function complain(error: unknown, argv: readonly string[]): Promise<number> {
  const [{ CommanderError, InvalidArgumentError }, { describeError, errorAsJson, exitCodeOf }, ui, streams] =
    await Promise.all([
      import('commander'),
      import('../ui/errors.js'),
      import('../ui/output.js'),
      import('../ui/streams.js'),
    ]);
  if (streams.isBrokenPipe(error)) return ExitCode.failed;
  let told = error;
  if (error instanceof InvalidArgumentError) {
    // Thrown by a command itself: commander has not told it.
    const { UsageError } = await import('../../base/errors.js');
    told = new UsageError({ tried: `running aoe-lab ${argv[0] ?? ''}`, happened: error.message });
  } else if (error instanceof CommanderError) {
    return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
  }
  if (argv.includes('--json')) ui.print(errorAsJson(told), { json: true }, () => '');
  ui.note(describeError(told, argv.includes('--debug')));
  return exitCodeOf(told);
}
