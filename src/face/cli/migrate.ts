import type { Command } from 'commander';
import type { Host } from '../../hosts/host/host.js';
import { line } from '../ui/colors.js';
import { type HostOptions, hostOption, nameOf, onOneHost } from './hosts.js';
import { UNPINNED } from './options.js';

interface Options extends HostOptions {
  to: string;
  release?: string;
  source?: string;
  offline?: boolean;
  unpinned?: boolean;
  yes?: boolean;
  dryRun?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('migrate')
    .description('move an export to another target: same address, same file, with the shortest gap')
    .argument('<EXPORT>', 'such as e0.1, or e0.1@eth0 where several interfaces serve it')
    .requiredOption('--to <IMPL>', 'implementation that is to serve it, see aoe-lab list')
    .option('--release <VERSION>', 'release of the implementation')
    .option('--source <WHERE>', 'your copy of the source: a folder, an archive or a URL')
    .option('--offline', 'use only what the store has')
    .option(...UNPINNED)
    .option('-y, --yes', 'agree to what the new target can not do')
    .option('--dry-run', 'show what would be lost and run; fetches and builds, but moves nothing');
  hostOption(command)
    .option('--json', 'print JSON')
    .action((name: string, options: Options) => onOneHost(options, (host) => move(host, name, options)));
}

async function move(host: Host, name: string, options: Options): Promise<void> {
  const [
    { migrate },
    { planMigration, previewMigration },
    { EntryStore },
    { selectEntries },
    { byRealNames },
    { provide },
    { print, note },
    { noteRecovery },
    { describeMigration, describePlan },
  ] = await Promise.all([
    import('../../serve/migrate/migrate.js'),
    import('../../serve/migrate/migration-plan.js'),
    import('../../serve/exports/entry.js'),
    import('../../serve/exports/unexport.js'),
    import('../../serve/exports/real-names.js'),
    import('../../serve/exports/provide.js'),
    import('../ui/output.js'),
    import('../ui/recovery.js'),
    import('../ui/migration.js'),
  ]);
  const store = await EntryStore.open(host);
  // A wrong name is told before anything is built.
  const entries = await store.all();
  const [chosen] = selectEntries(entries, await byRealNames(host, entries, [name]));
  const served = await provide(options.to, { ...options, runsOn: host });
  for (const text of served.remarks) note(line`warning: ${text}`);
  let agreed: readonly string[] | 'all' = options.yes ? 'all' : [];
  // Of an unfinished one nothing can be planned: it is recovered first.
  if (options.dryRun || (!options.yes && process.stdin.isTTY && chosen?.phase === 'running')) {
    const plan = await planMigration(store, name, served);
    if (options.dryRun) {
      const preview = await previewMigration(store, plan);
      const { losses, notes, next } = plan;
      print({ losses, notes, options: next.options, ...preview }, options, () => describePlan(plan, preview));
      return;
    }
    if (plan.losses.length > 0) {
      const { agree } = await import('../ui/confirm.js');
      for (const loss of plan.losses) note(line`lost: ${loss}`);
      await agree('Move it all the same?', { tried: `moving ${name}`, next: 'give --yes' });
      agreed = plan.losses;
    }
  }
  const report = await migrate(host, name, served, {
    agreed,
    onRecovery: (recovery) => noteRecovery(recovery, nameOf(host)),
  });
  print(report, options, () => describeMigration(report));
}
