import { type Command, Option } from 'commander';
import { LabError, MissingError } from '../errors.js';
import type { Purpose } from '../verify/doctor.js';

interface Options {
  for: Purpose;
  impl?: string;
  install?: boolean;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('doctor')
    .description('what this machine has and lacks; --install brings what is missing (Debian)')
    .addOption(
      new Option('--for <PURPOSE>', 'what it is wanted for').choices(['use', 'demo', 'test']).default('use'),
    )
    .option('--impl <IMPL>', 'implementation the demo takes')
    .option('--install', 'install the missing Debian packages')
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const [{ loadRecipes }, { diagnose, installPackages }, { here }, { print, note }] = await Promise.all([
        import('../recipe/load.js'),
        import('../verify/doctor.js'),
        import('../host/local.js'),
        import('../ui/output.js'),
      ]);
      const recipes = await loadRecipes();
      let diagnosis = diagnose(recipes, options.for, options.impl);
      if (options.install) {
        if (diagnosis.packages.length === 0) return;
        if (process.stdin.isTTY && process.getuid?.() === 0) {
          const { confirm } = await import('../ui/confirm.js');
          if (!(await confirm(`Install the Debian packages ${diagnosis.packages.join(' ')}?`))) {
            throw new MissingError({
              tried: 'preparing this machine',
              happened: 'you declined to install packages',
              next: `apt-get install --no-install-recommends ${diagnosis.packages.join(' ')}`,
              missing: diagnosis.packages,
            });
          }
        }
        note(`installing the Debian packages ${diagnosis.packages.join(' ')}`);
        try {
          await installPackages(here, diagnosis.packages);
        } catch (error) {
          if (options.for !== 'demo' || !(error instanceof LabError)) throw error;
          const [why] = error.facts.happened.split('\n');
          note(`not installed (${why}); the demo does without what it can`);
          return;
        }
        diagnosis = diagnose(recipes, options.for, options.impl);
        note('installed');
      }
      if (!options.install) {
        const { table } = await import('../ui/table.js');
        print(diagnosis, options, () => {
          const rows = diagnosis.checks.map(({ name, fine, detail }) => [fine ? '✔' : '✖', name, detail]);
          const lines = [table(['', 'check', 'finding'], rows)];
          if (diagnosis.packages.length > 0) {
            lines.push(`apt-get install --no-install-recommends ${diagnosis.packages.join(' ')}`);
          }
          return lines.join('\n');
        });
      }
      if (diagnosis.missing.length > 0) {
        throw new MissingError({
          tried: `looking at this machine for "${options.for}"`,
          happened: `missing: ${diagnosis.missing.map(({ name }) => name).join(', ')}`,
          next: options.install
            ? 'the packages are installed and do not hold it: look at the package lists'
            : 'aoe-lab doctor --install',
          missing: diagnosis.missing.map(({ name }) => name),
        });
      }
    });
}
