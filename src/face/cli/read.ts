import type { Command } from 'commander';
import { type Finding, USES, type UseKind } from '../../serve/storage/findings.js';
import type { Mac } from '../../wire/aoe/ethernet.js';
import type { Target } from '../../wire/initiator/target.js';
import { line } from '../ui/colors.js';
import { fileOrStream, findingsOf, several, station } from './options.js';

interface Options {
  iface: string[];
  netns?: string;
  station?: Mac;
  offset: string;
  length?: string;
  output?: string;
  resume?: string | true;
  sparse: boolean;
  allow?: UseKind[];
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('read')
    .description('read a target over the wire, to a file or standard output')
    .argument('<ADDRESS>', 'the target: eSHELF.SLOT')
    .requiredOption('--iface <IF>', 'network interface; several, each by its own --iface, are paths', several)
    .option('--netns <NAME>', 'network namespace of the interfaces')
    .option('--station <MAC>', 'the one that is meant, where several answer', station)
    .option('--offset <BYTES>', 'where to begin; K, M, G as units', '0')
    .option('--length <BYTES>', 'how much (default: up to the end)')
    .option('--output <FILE>', 'file that receives the data (replaced). Default: -, standard output')
    .option(
      '--resume [FILE]',
      'can be gone on with after it was stopped, and goes on; FILE (OUTPUT.resume) says where',
    )
    .option('--no-sparse', 'write zeros where the file could have holes')
    .option(
      '--allow <FINDING>',
      `overwrite a file or disk although this speaks against it (repeatable, or joined by commas): ${USES.join(', ')}`,
      findingsOf(USES),
    )
    .option('--json', 'print JSON; needs --output')
    .action(async (name: string, options: Options) => {
      const [
        { copyToFile, copyToStream, rangeOf },
        { withTarget },
        { parseAddress },
        ui,
        { progress },
        units,
        { UsageError },
        { judgeOverwrite },
      ] = await Promise.all([
        import('../../wire/initiator/copy.js'),
        import('../../wire/initiator/session.js'),
        import('../../wire/aoe/address.js'),
        import('../ui/output.js'),
        import('../ui/progress.js'),
        import('../../base/units.js'),
        import('../../base/errors.js'),
        import('../../serve/exports/overwrite.js'),
      ]);
      const { sparse, allow = [] } = options;
      const onOverridden = ({ text }: Finding) => ui.note(line`overridden: ${text}`);
      const output = fileOrStream(options.output);
      if (output === undefined && (options.json || options.resume || process.stdout.isTTY)) {
        throw new UsageError({
          tried: `reading ${name} to standard output`,
          happened: options.json
            ? 'the JSON would be among the data'
            : options.resume
              ? 'what a pipe has taken is not known, so that it can not be gone on with'
              : 'that is a terminal, and the data are bytes',
          next: options.resume ? 'name a file by --output' : 'name a file by --output, or pipe the data on',
        });
      }
      const address = parseAddress(name);
      const offset = units.parseSize(options.offset);
      const length = options.length === undefined ? undefined : units.parseSize(options.length);
      const resume = options.resume === true ? `${output}.resume` : options.resume;
      const session = { station: options.station, onNote: ui.note };
      const copied = async (target: Target) => {
        const range = await rangeOf(target, offset, length);
        const bar = progress(range.count * 512, `reading ${name}`);
        const copy = { onProgress: bar.update, resume, sparse };
        try {
          return await (output === undefined
            ? copyToStream(target, range, process.stdout, copy)
            : copyToFile(target, range, output, {
                ...copy,
                judge: (there) => judgeOverwrite(there, { allow, onOverridden }),
              }));
        } finally {
          bar.end();
        }
      };
      const report = await withTarget(options, address, copied, session);
      const { summary } = await import('./copy-summary.js');
      if (output === undefined) ui.note(summary('read', report));
      else ui.print(report, options, () => summary('read', report));
    });
}
