import type { Command } from 'commander';

export function register(program: Command): void {
  program
    .command('logs')
    .description('what the target of an export printed')
    .argument('<EXPORT>', 'such as e0.1')
    .option('-f, --follow', 'go on as it grows')
    .option('--json', 'print JSON')
    .action(async (name: string, options: { follow?: boolean; json?: boolean }) => {
      const [{ exportLog }, { here }, { print }] = await Promise.all([
        import('../target/logs.js'),
        import('../host/local.js'),
        import('../ui/output.js'),
      ]);
      const { id, path, text } = await exportLog(here, name);
      print({ id, path, text }, options, () => text || `${path} is empty: the target printed nothing`);
      if (!options.follow) return;
      const { spawn } = await import('node:child_process');
      spawn('tail', ['--lines=0', '--follow', path], { stdio: 'inherit' });
    });
}
