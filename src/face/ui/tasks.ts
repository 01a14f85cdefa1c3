import { Listr, ListrLogger, ProcessOutput } from 'listr2';
import { escapeLine } from '../../base/escape.js';

/** One step of a longer job, as a person follows it. */
export interface Step {
  title: string;
  /** @param say shows what the step is doing now, or (last) what it found */
  run(say: (text: string) => void): Promise<void>;
}

/**
 * Runs steps one after the other and shows them on standard error: live on a terminal, else a line each.
 * @throws what the first failing step throws; later ones are not run
 */
export async function runSteps(steps: readonly Step[], silent: boolean): Promise<void> {
  const logger = new ListrLogger({
    useIcons: true,
    processOutput: new ProcessOutput(process.stderr, process.stderr),
  });
  let failure: { error: unknown } | undefined;
  const tasks = new Listr(
    steps.map(({ title, run }) => ({
      title: escapeLine(title),
      task: async (_context: unknown, task: { title: string }) => {
        try {
          await run((text) => {
            task.title = escapeLine(`${title}: ${text}`);
          });
        } catch (error) {
          failure = { error };
          // What is shown of it here is one line; the whole is told by who runs the steps.
          throw new Error(escapeLine(error instanceof Error ? error.message : String(error)));
        }
      },
    })),
    {
      renderer: silent ? 'silent' : 'default',
      fallbackRenderer: 'simple',
      fallbackRendererCondition: () => !process.stderr.isTTY,
      rendererOptions: { logger, collapseErrors: true, showErrorMessage: false },
      fallbackRendererOptions: { logger },
    },
  );
  await tasks.run().catch((shown: unknown) => {
    throw failure === undefined ? shown : failure.error;
  });
}
