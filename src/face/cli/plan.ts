import type { Command } from 'commander';
import { type LabOptions, withLabOptions, withPlan } from './lab-options.js';

interface Options extends LabOptions {
  schema?: boolean;
}

export function register(program: Command): void {
  withLabOptions(
    program
      .command('plan')
      .description('how hosts and exports differ from what a lab.yaml says; changes nothing'),
  )
    .option('--schema', 'print the JSON Schema of lab.yaml')
    .action(async (options: Options) => {
      const [{ print }, { ExitCode }] = await Promise.all([
        import('../ui/output.js'),
        import('../../base/errors.js'),
      ]);
      if (options.schema) {
        const { labJsonSchema } = await import('../../manage/lab/json-schema.js');
        print(labJsonSchema(), { json: true }, () => '');
        return;
      }
      const { describePlan } = await import('../ui/lab.js');
      await withPlan(
        options,
        (lab) => lab,
        async (plan) => {
          print(plan, options, () => describePlan(plan));
          if (plan.troubles.length > 0) process.exitCode = ExitCode.failed;
          else if (plan.actions.length > 0) process.exitCode = ExitCode.faults;
        },
      );
    });
}
