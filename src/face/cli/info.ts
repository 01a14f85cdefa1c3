import type { Command } from 'commander';

export function register(program: Command): void {
  program
    .command('info')
    .description('all that is known of an implementation')
    .argument('[IMPL]', 'implementation, see aoe-lab list')
    .option('--schema', 'print the JSON Schema of recipes')
    .option('--json', 'print JSON')
    .action(async (name: string | undefined, options: { schema?: boolean; json?: boolean }) => {
      const { print } = await import('../ui/output.js');
      if (options.schema) {
        const { recipeJsonSchema } = await import('../../make/recipe/json-schema.js');
        print(recipeJsonSchema(), { json: true }, () => '');
        return;
      }
      if (name === undefined) {
        const { UsageError } = await import('../../base/errors.js');
        throw new UsageError({
          tried: 'showing an implementation',
          happened: 'none was named',
          next: 'aoe-lab list shows their names',
        });
      }
      const [{ loadRecipe }, { summarise }, { describeRecipe }] = await Promise.all([
        import('../../make/recipe/load.js'),
        import('../../make/compile/summary.js'),
        import('../ui/recipe.js'),
      ]);
      const recipe = await loadRecipe(name);
      const summary = summarise(recipe);
      const { releases, ...rest } = recipe;
      print({ ...rest, ...summary, details: releases }, options, () => describeRecipe(recipe, summary));
    });
}
