import type { Command } from 'commander';

export function register(program: Command): void {
  program
    .command('list')
    .description(
      'the implementations: kind, releases, where their sources stand, what is missing here to build them',
    )
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const [{ loadRecipes }, { summarise }, { print }] = await Promise.all([
        import('../../make/recipe/load.js'),
        import('../../make/compile/summary.js'),
        import('../ui/output.js'),
      ]);
      const summaries = (await loadRecipes()).map(summarise);
      // The table is made before printing: its library is loaded only for people.
      const { table } = json ? { table: undefined } : await import('../ui/table.js');
      print(summaries, { json }, () =>
        (table as NonNullable<typeof table>)(
          ['name', 'kind', 'releases', 'sources', 'here', 'verified'],
          summaries.map((one) => [
            one.name,
            one.kind,
            one.releases.join(' '),
            countStates(one.sources.map(({ state }) => state)),
            one.buildable
              ? 'ready'
              : one.unavailable !== undefined
                ? 'not yet'
                : `needs ${one.missing.join(', ')}`,
            [...new Set(one.verified.map(({ release }) => release))].join(' ') || '-',
          ]),
        ),
      );
    });
}

function countStates(states: readonly string[]): string {
  return [...new Set(states)]
    .map((state) => `${states.filter((other) => other === state).length} ${state}`)
    .join(', ');
}
