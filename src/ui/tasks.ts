import { Listr, ListrLogger, ProcessOutput } from 'listr2';

/** One step of a longer job, as a person follows it. */
export interface Step {
  title: string;
  /** @param say shows what the step is doing now, or (last) what it found */
  run(say: (text: string) => void): Promise<void>;
}

/**
 * Runs steps one after the other and shows them on standard error: live on a terminal, a line each otherwise.
 * @throws what the first failing step throws; later ones are not run
 */
export async function runSteps(steps: readonly Step[], silent: boolean): Promise<void> {
  const logger = new ListrLogger({
    useIcons: true,
    processOutput: new ProcessOutput(process.stderr, process.stderr),
  });
  const tasks = new Listr(
    steps.map(({ title, run }) => ({
      title,
      task: async (_context: unknown, task: { title: string }) => {
        await run((text) => {
          task.title = `${title}: ${text}`;
        });
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
  await tasks.run();
}
