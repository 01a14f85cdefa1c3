import type { Command } from 'commander';
import { type HostOptions, hostOptions, onHosts, onOneHost } from './hosts.js';

export function register(program: Command): void {
  const command = program
    .command('logs')
    .description('what the target of an export printed')
    .argument('<EXPORT>', 'such as e0.1')
    .option('-f, --follow', 'go on as it grows, of one host');
  hostOptions(command)
    .option('--json', 'print JSON')
    .action(async (name: string, options: HostOptions & { follow?: boolean }) => {
      const [{ exportLog }, { print }] = await Promise.all([
        import('../target/logs.js'),
        import('../ui/output.js'),
      ]);
      type Log = Awaited<ReturnType<typeof exportLog>>;
      const describe = ({ path, text }: Log): string =>
        text || `${path} is empty: the target printed nothing`;
      if (!options.follow) return onHosts(options, (host) => exportLog(host, name), describe);
      await onOneHost(options, async (host) => {
        const log = await exportLog(host, name);
        print(log, options, () => describe(log));
        const { follow } = await import('../host/follow.js');
        await follow(host, log.path, Buffer.byteLength(log.text));
      });
    });
}
