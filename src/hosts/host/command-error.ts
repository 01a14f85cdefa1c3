import { LabError, linesOf } from '../../base/errors.js';
import { LONGEST_OUTPUT } from './budget.js';
import { showArgv } from './quote.js';

/** A command that failed, with all that is known of it. */
export class CommandError extends LabError {
  readonly argv: readonly string[];
  /** Undefined if it never started or ended by a signal. */
  readonly exitCodeOfCommand: number | undefined;
  readonly stdout: string;
  readonly stderr: string;

  constructor(
    host: string,
    argv: readonly string[],
    outcome: {
      exitCode?: number | undefined;
      signal?: string | undefined;
      timedOut?: boolean;
      /** It was ended as it printed too much. */
      flooded?: boolean;
      code?: string | undefined;
      stdout: string;
      stderr: string;
    },
    log?: string,
  ) {
    const { exitCode, signal, timedOut, flooded, code, stdout, stderr } = outcome;
    const how =
      code === 'ENOENT'
        ? 'no such command'
        : flooded
          ? `it printed more than ${LONGEST_OUTPUT >> 20} MiB, and was ended`
          : timedOut
            ? 'ran into its time limit'
            : signal
              ? `ended by ${signal}`
              : exitCode === undefined
                ? `could not be started (${code ?? 'unknown reason'})`
                : `exit code ${exitCode}`;
    const said = lastLines(stderr || stdout, 5);
    const netns = goneNamespace(stderr);
    super({
      ...(netns === undefined
        ? { tried: `running ${shown(argv)} on ${host}`, happened: linesOf(said ? `${how}: ${said}` : how) }
        : {
            tried: `entering the network namespace ${netns}`,
            happened: `there is none of that name on ${host}`,
            next: `make it, and its interfaces (ip netns add ${netns})`,
          }),
      ...(log === undefined ? {} : { log }),
    });
    this.argv = argv;
    this.exitCodeOfCommand = exitCode;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

/** The namespace that ip(8) or nsenter(1) could not enter, as it is not there. */
export function goneNamespace(stderr: string): string | undefined {
  return (
    /^Cannot open network namespace "(.+)": No such file or directory$/m.exec(stderr)?.[1] ??
    /^nsenter: cannot open \/run\/netns\/(.+): No such file or directory$/m.exec(stderr)?.[1]
  );
}

/** A script of ours is told by what it was given: nobody wants to read or paste it. */
function shown(argv: readonly string[]): string {
  const [program, option, script = '', , ...words] = argv;
  if (program !== 'sh' || option !== '-c') return `\`${showArgv(argv)}\``;
  if (script.length <= SHORT && !script.includes('\n')) return `\`${showArgv(argv)}\``;
  return words.length === 0 ? 'a script' : `a script for ${showArgv(words)}`;
}

/** Characters of a script that is told as a command is. */
const SHORT = 80;

/** Characters of what a command said that are told. */
const LONGEST_WORDS = 8192;

function lastLines(text: string, count: number): string {
  return text.slice(-LONGEST_WORDS).trimEnd().split('\n').slice(-count).join('\n');
}
