import type { Command } from 'commander';
import type { Mac } from '../../wire/aoe/ethernet.js';
import type { Target } from '../../wire/initiator/target.js';
import { line } from '../ui/colors.js';
import { fileOrStream, several, station } from './options.js';

interface Options {
  iface: string[];
  netns?: string;
  station?: Mac;
  offset: string;
  input?: string;
  resume?: string | true;
  sparse?: boolean;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('write')
    .description('write a file or standard input to a target over the wire')
    .argument('<ADDRESS>', 'the target: eSHELF.SLOT')
    .requiredOption('--iface <IF>', 'network interface; several, each by its own --iface, are paths', several)
    .option('--netns <NAME>', 'network namespace of the interfaces')
    .option('--station <MAC>', 'the one that is meant, where several answer', station)
    .option('--offset <BYTES>', 'where to begin; K, M, G as units', '0')
    .option('--input <FILE>', 'file with the data. Default: -, standard input')
    .option(
      '--resume [FILE]',
      'can be gone on with after it was stopped, and goes on; FILE (INPUT.resume) says where',
    )
    .option('--sparse', 'do not send blocks of zeros: for a device that is known to be full of them')
    .option('--json', 'print JSON')
    .action(async (name: string, options: Options) => {
      const [
        { copyTo, rangeOf },
        { openInput },
        { withTarget },
        { parseAddress },
        ui,
        { progress },
        { parseSize },
        { UsageError },
      ] = await Promise.all([
        import('../../wire/initiator/copy.js'),
        import('../../wire/initiator/input.js'),
        import('../../wire/initiator/session.js'),
        import('../../wire/aoe/address.js'),
        import('../ui/output.js'),
        import('../ui/progress.js'),
        import('../../base/units.js'),
        import('../../base/errors.js'),
      ]);
      const file = fileOrStream(options.input);
      if (options.resume === true && file === undefined) {
        throw new UsageError({
          tried: `writing standard input to ${name}`,
          happened: 'there is no file beside which a record of the copy could be kept',
          next: 'name one: --resume FILE; the same data has to be piped in again',
        });
      }
      const address = parseAddress(name);
      const offset = parseSize(options.offset);
      const input = await openInput(file);
      const resume = options.resume === true ? `${file}.resume` : options.resume;
      const session = { station: options.station, onNote: ui.note };
      const copied = async (target: Target) => {
        // Of a pipe the length shows at its end; of a file nothing is written if it does not fit.
        const { from } = await rangeOf(target, offset, input.size ?? 0, file ?? 'standard input');
        const bar = progress(input.size ?? 0, `writing ${name}`);
        try {
          return await copyTo(target, from, input, {
            onProgress: bar.update,
            resume,
            sparse: options.sparse,
          });
        } finally {
          bar.end();
        }
      };
      const report = await withTarget(options, address, copied, session).finally(input.close);
      const { summary } = await import('./copy-summary.js');
      ui.print(report, options, () => summary('wrote', report));
      if (!report.flushed) ui.note(line`${name} knows no flush: when the data are on its medium is up to it`);
    });
}
