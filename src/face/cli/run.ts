import { ExitCode } from '../../base/errors.js';
import { packageRoot } from '../../base/files/paths.js';
import { ASKING } from '../complete/scripts.js';
import { isVersionAsked, versionOf } from './version.js';

const version = versionOf(packageRoot);

/** Commands by what they are for, the usual first; each in a file of its own that loads what it needs when it runs. */
const GROUPS = {
  Exports: ['export', 'status', 'unexport', 'restart', 'logs', 'access', 'migrate', 'import', 'demo'],
  'Over the wire': ['discover', 'identify', 'read', 'write', 'capture'],
  'Hosts and labs': ['plan', 'apply', 'destroy', 'render', 'host'],
  Proof: ['verify', 'conform', 'bench', 'vm'],
  'Implementations and this machine': ['list', 'info', 'fetch', 'patch', 'build', 'doctor', 'completion'],
} as const;

export const COMMANDS = Object.values(GROUPS).flat();

/** Runs the command that these words are, and tells what went wrong. @returns the exit code */
export async function run(argv: readonly string[]): Promise<number> {
  // Answered before anything is loaded: by the program itself, where it is one (see tools/loader.ts).
  if (isVersionAsked(argv)) {
    process.stdout.write(`${version}\n`);
    return ExitCode.done;
  }
  if (argv[0] === ASKING) return answerShell(argv.slice(1));
  const program = await commandTree(argv);
  try {
    await program.parseAsync(isUnknownHelp(argv) ? argv.slice(1) : argv, { from: 'user' });
    return Number(process.exitCode ?? ExitCode.done);
  } catch (error) {
    return complain(error, argv);
  }
}

/** Whether help is asked for of a command that there is not: commander would show all of them, and not say so. */
function isUnknownHelp([first, second]: readonly string[]): boolean {
  const known: readonly string[] = [...COMMANDS, 'help'];
  return first === 'help' && second !== undefined && !second.startsWith('-') && !known.includes(second);
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
  for (const [group, names] of Object.entries(GROUPS)) {
    program.commandsGroup(`${group}:`);
    for (const name of asked === undefined ? names : names.filter((one) => one === asked)) {
      const { register } = (await import(`./${name}.js`)) as {
        register(program: InstanceType<typeof Command>): void;
      };
      register(program);
    }
  }
  return program;
}

/** Completes a line that is being typed. What goes wrong is no answer: nobody waits for a message there. */
async function answerShell(words: readonly string[]): Promise<number> {
  try {
    const [{ complete }, { printPart }] = await Promise.all([
      import('../complete/complete.js'),
      import('../ui/output.js'),
    ]);
    const lines = await complete(await commandTree(words.slice(0, -1)), words);
    printPart(lines.map((one) => `${one}\n`).join(''));
    return ExitCode.done;
  } catch {
    return ExitCode.failed;
  }
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
