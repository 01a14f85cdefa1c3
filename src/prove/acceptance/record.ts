import type { CommandError } from '../../hosts/host/command-error.js';
import type { Host, RunOptions, RunResult } from '../../hosts/host/host.js';

/** A command as it was run, with all it printed. */
export interface CommandRecord {
  host: string;
  argv: readonly string[];
  /** Null if it did not come to an end of its own. */
  exitCode: number | null;
  stdout: string;
  stderr: string;
  /** Seconds. */
  seconds: number;
}

export interface StepResult {
  name: string;
  passed: boolean;
  /** It could not be run; neither passed nor failed. */
  skipped: boolean;
  /** What was seen, in words; why it was skipped. */
  seen: string;
  seconds: number;
  commands: CommandRecord[];
}

export interface TestResult {
  /** As `--test` names it. */
  name: TestName;
  title: string;
  /** No step failed, and some were run. */
  passed: boolean;
  /** All its steps were. */
  skipped: boolean;
  seconds: number;
  steps: StepResult[];
}

/** The handbook's tests 1 to 3, and the criterion of the restart. */
export const TESTS = {
  basic: 'discovery, file system, 100 MiB, mounted again, equal',
  load: 'fio, sequential and random, at several depths, with verification',
  failure: 'the wire is cut and the interface taken down during I/O',
  restart: 'the target is restarted and seen again',
} as const;
export type TestName = keyof typeof TESTS;

/** Milliseconds that a command may take where its test sets no limit: two emulated guests on a busy machine are slow. */
const PATIENCE = 300_000;

/** Takes down what is done, step by step. After a step that failed the rest of a test is left out. */
export class Record {
  readonly tests: TestResult[] = [];
  readonly #onStep: (test: TestName, step: string) => void;
  #commands: CommandRecord[] = [];

  constructor(onStep: (test: TestName, step: string) => void) {
    this.#onStep = onStep;
  }

  /** Runs a test. @returns whether none of its steps failed */
  async test(name: TestName, run: (step: Step) => Promise<void>): Promise<boolean> {
    const started = performance.now();
    const steps: StepResult[] = [];
    let failed = false;
    const step: Step = async (title, act) => {
      this.#onStep(name, title);
      this.#commands = [];
      const begun = performance.now();
      const done = (outcome: 'passed' | 'failed' | 'skipped', seen: string): void => {
        steps.push({
          name: title,
          passed: outcome === 'passed',
          skipped: outcome === 'skipped',
          seen,
          seconds: since(begun),
          commands: this.#commands,
        });
      };
      try {
        const [seen, value] = spread(await act());
        done('passed', seen);
        return value as never;
      } catch (error) {
        if (error instanceof SkipStep) {
          done('skipped', error.message);
          return undefined as never;
        }
        done('failed', (error as Error).message);
        throw new StepFailed();
      }
    };
    try {
      await run(step);
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error;
      failed = true;
    }
    const passed = !failed && steps.some((step) => step.passed);
    const skipped = !failed && !passed;
    this.tests.push({ name, title: TESTS[name], passed, skipped, seconds: since(started), steps });
    return !failed;
  }

  /** A host whose commands are kept with the step that runs them. */
  watch(host: Host): Pick<Host, 'run' | 'name'> {
    return {
      name: host.name,
      run: async (argv: readonly string[], options?: RunOptions): Promise<RunResult> => {
        const begun = performance.now();
        const keep = (result: Pick<RunResult, 'stdout' | 'stderr'>, exitCode: number | null): void => {
          const { stdout, stderr } = result;
          this.#commands.push({ host: host.name, argv, exitCode, stdout, stderr, seconds: since(begun) });
        };
        try {
          const result = await host.run(argv, { timeout: PATIENCE, ...options });
          keep(result, result.exitCode);
          return result;
        } catch (error) {
          const { stdout, stderr, exitCodeOfCommand, message } = error as CommandError;
          keep({ stdout: stdout ?? '', stderr: stderr ?? message }, exitCodeOfCommand ?? null);
          throw error;
        }
      },
    };
  }
}

/** Runs a step: what it returns is what was seen, or that and a value for the next ones. It fails by throwing. */
export type Step = <T = undefined>(name: string, act: () => Promise<Seen<T>>) => Promise<T>;
type Seen<T> = T extends undefined ? string : { seen: string; value: T };

/** Thrown by a step that can't be run here: why. The test goes on; no value comes of it. */
export class SkipStep extends Error {}

/** A step failed and is recorded. */
class StepFailed extends Error {}

function spread(outcome: unknown): [string, unknown] {
  if (typeof outcome === 'string') return [outcome, undefined];
  const { seen, value } = outcome as { seen: string; value: unknown };
  return [seen, value];
}

/** Seconds since then, to a thousandth. */
export function since(begun: number): number {
  return Math.round(performance.now() - begun) / 1000;
}
