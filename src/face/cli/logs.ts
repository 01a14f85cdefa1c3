import type { Command } from 'commander';
import { line } from '../ui/colors.js';
import { type HostOptions, hostOptions, onHosts, onOneHost } from './hosts.js';
import { untilStopped } from './signals.js';

export function register(program: Command): void {
  const command = program
    .command('logs')
    .description('what the target of an export printed')
    .argument('<EXPORT>', 'such as e0.1')
    .option('-f, --follow', 'go on as it grows, of one host');
  hostOptions(command)
    .option('--json', 'print JSON')
    .action(async (name: string, options: HostOptions & { follow?: boolean }) => {
      const [{ exportLog }, { jsonText, note, printPart }] = await Promise.all([
        import('../../serve/exports/logs.js'),
        import('../ui/output.js'),
      ]);
      type Log = Awaited<ReturnType<typeof exportLog>>;
      const noteSkipped = ({ path, skipped }: Log): void => {
        if (skipped > 0) note(line`${path} has ${skipped} bytes before that, of earlier runs or of others`);
      };
      const describe = (log: Log): string => {
        noteSkipped(log);
        return log.text || line`${log.path} is empty: the target printed nothing`;
      };
      if (!options.follow) return onHosts(options, (host) => exportLog(host, name), describe);
      await onOneHost(options, async (host) => {
        const [{ follow }, log] = await Promise.all([
          import('../../hosts/book/follow.js'),
          exportLog(host, name),
        ]);
        const { path, text, skipped } = log;
        noteSkipped(log);
        if (text === '') note(line`${path} is empty: the target printed nothing yet`);
        const show = options.json
          ? (part: string) => printPart(`${jsonText({ path, text: part })}\n`)
          : printPart;
        await untilStopped((signal) => follow(host, path, show, signal, skipped));
      });
    });
}
