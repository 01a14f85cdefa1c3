import type { Command } from 'commander';

interface Options {
  iface: string;
  netns?: string;
  offset: string;
  length?: string;
  output?: string;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('read')
    .description('read a target over the wire, to a file or standard output')
    .argument('<ADDRESS>', 'the target: eSHELF.SLOT')
    .requiredOption('--iface <IF>', 'network interface')
    .option('--netns <NAME>', 'network namespace of the interface')
    .option('--offset <BYTES>', 'where to begin; K, M, G as units', '0')
    .option('--length <BYTES>', 'how much; up to the end otherwise')
    .option('--output <FILE>', 'file that receives the data (replaced); standard output otherwise')
    .option('--json', 'print JSON; needs --output')
    .action(async (name: string, options: Options) => {
      const [
        { copyFrom, rangeOf },
        { withTarget },
        { parseAddress },
        ui,
        { progress },
        units,
        { UsageError },
      ] = await Promise.all([
        import('../initiator/copy.js'),
        import('../initiator/session.js'),
        import('../aoe/address.js'),
        import('../ui/output.js'),
        import('../ui/progress.js'),
        import('../units.js'),
        import('../errors.js'),
      ]);
      const { output } = options;
      if (output === undefined && (options.json || process.stdout.isTTY)) {
        throw new UsageError({
          tried: `reading ${name} to standard output`,
          happened: options.json
            ? 'the JSON would be among the data'
            : 'that is a terminal, and the data are bytes',
          next: 'name a file by --output, or pipe the data on',
        });
      }
      const address = parseAddress(name);
      const offset = units.parseSize(options.offset);
      const length = options.length === undefined ? undefined : units.parseSize(options.length);
      const report = await withTarget(options, address, async (target) => {
        const range = await rangeOf(target, offset, length);
        const bar = progress(range.count * 512, `reading ${name}`);
        try {
          return await copyFrom(target, range, output ?? process.stdout, bar.update);
        } finally {
          bar.end();
        }
      });
      const { summary } = await import('./copy-summary.js');
      if (output === undefined) ui.note(summary('read', report));
      else ui.print(report, options, () => summary('read', report));
    });
}
