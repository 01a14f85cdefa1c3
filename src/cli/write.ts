import type { Command } from 'commander';

interface Options {
  iface: string;
  netns?: string;
  offset: string;
  input?: string;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('write')
    .description('write a file or standard input to a target over the wire')
    .argument('<ADDRESS>', 'the target: eSHELF.SLOT')
    .requiredOption('--iface <IF>', 'network interface')
    .option('--netns <NAME>', 'network namespace of the interface')
    .option('--offset <BYTES>', 'where to begin; K, M, G as units', '0')
    .option('--input <FILE>', 'file with the data; standard input otherwise')
    .option('--json', 'print JSON')
    .action(async (name: string, options: Options) => {
      const [
        { copyTo, openInput, rangeOf },
        { withTarget },
        { parseAddress },
        ui,
        { progress },
        { parseSize },
      ] = await Promise.all([
        import('../initiator/copy.js'),
        import('../initiator/session.js'),
        import('../aoe/address.js'),
        import('../ui/output.js'),
        import('../ui/progress.js'),
        import('../units.js'),
      ]);
      const address = parseAddress(name);
      const offset = parseSize(options.offset);
      const { data, size } = await openInput(options.input);
      const report = await withTarget(options, address, async (target) => {
        // Of a pipe the length shows at its end; of a file nothing is written if it does not fit.
        const { from } = await rangeOf(target, offset, size ?? 0);
        const bar = progress(size ?? 0, `writing ${name}`);
        try {
          return await copyTo(target, from, data, bar.update);
        } finally {
          bar.end();
        }
      });
      const { summary } = await import('./copy-summary.js');
      ui.print(report, options, () => summary('wrote', report));
      if (!report.flushed) ui.note(`${name} knows no flush: when the data are on its medium is up to it`);
    });
}
