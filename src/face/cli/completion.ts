import { Argument, type Command } from 'commander';
import { completionScript, SHELLS, type Shell } from '../complete/scripts.js';

export function register(program: Command): void {
  program
    .command('completion')
    .description('print what makes a shell complete commands, options, exports, hosts, interfaces and others')
    .addArgument(new Argument('<SHELL>').choices(SHELLS))
    .action(async (shell: Shell) => {
      const { printPart } = await import('../ui/output.js');
      printPart(completionScript(shell));
    });
}
