import type { Command } from 'commander';
import { type CarryOutOptions, carryOut, withEndOptions, withLabOptions, withPlan } from './lab-options.js';

export function register(program: Command): void {
  withEndOptions(
    withLabOptions(program.command('apply').description('make hosts and exports as a lab.yaml says')),
  )
    .option('--offline', 'use only what the store has')
    .option('--remove-files', 'remove files that the lab made with their exports, even where they hold data')
    .action((options: CarryOutOptions) =>
      withPlan(
        options,
        (lab) => lab,
        (plan, survey) => carryOut(plan, survey, 'apply', options),
      ),
    );
}
