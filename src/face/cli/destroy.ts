import type { Command } from 'commander';
import { type CarryOutOptions, carryOut, withEndOptions, withLabOptions, withPlan } from './lab-options.js';

export function register(program: Command): void {
  withEndOptions(withLabOptions(program.command('destroy').description('end all exports that a lab made')))
    .option('--remove-files', 'remove the files that it made even where they hold data')
    .action((options: CarryOutOptions) =>
      withPlan(
        options,
        (lab) => ({ ...lab, exports: [] }),
        (plan, survey) => carryOut(plan, survey, 'destroy', options),
      ),
    );
}
