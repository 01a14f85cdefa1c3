import { LabError, linesOf } from '../errors.js';
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
    super({
      tried: `running \`${showArgv(argv)}\` on ${host}`,
      happened: linesOf(said ? `${how}: ${said}` : how),
      ...(log === undefined ? {} : { log }),
    });
    this.argv = argv;
    this.exitCodeOfCommand = exitCode;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

/** Characters of what a command said that are told. */
const LONGEST_WORDS = 8192;

function lastLines(text: string, count: number): string {
  return text.slice(-LONGEST_WORDS).trimEnd().split('\n').slice(-count).join('\n');
}
