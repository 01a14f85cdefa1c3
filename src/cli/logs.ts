import type { Command } from 'commander';
import { type HostOptions, hostOption, onOneHost } from './hosts.js';

export function register(program: Command): void {
  const command = program
    .command('logs')
    .description('what the target of an export printed')
    .argument('<EXPORT>', 'such as e0.1')
    .option('-f, --follow', 'go on as it grows');
  hostOption(command)
    .option('--json', 'print JSON')
    .action(async (name: string, options: HostOptions & { follow?: boolean }) => {
      const [{ exportLog }, { print }] = await Promise.all([
        import('../target/logs.js'),
        import('../ui/output.js'),
      ]);
      await onOneHost(options, async (host) => {
        const { id, path, text } = await exportLog(host, name);
        print({ id, path, text }, options, () => text || `${path} is empty: the target printed nothing`);
        if (!options.follow) return;
        const { follow } = await import('../host/follow.js');
        await follow(host, path, Buffer.byteLength(text));
      });
    });
}
