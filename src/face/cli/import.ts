import { type Command, Option } from 'commander';
import { LabError, UsageError } from '../../base/errors.js';
import { type HostOptions, hostOption, onOneHost } from './hosts.js';

interface Options extends HostOptions {
  from?: 'vblade' | 'ggaoed' | 'qaoed' | 'kvblade' | 'aoeserver' | 'vblade-kernel';
  path?: string;
  lab: string;
  output?: string;
}

export function register(program: Command): void {
  const command = program
    .command('import')
    .description('say as a lab.yaml what targets on a host export already, or are configured to')
    .addOption(
      new Option('--from <IMPL>', 'only this target. Default: all; of --path, the one that it is of').choices(
        ['vblade', 'ggaoed', 'qaoed', 'kvblade', 'aoeserver', 'vblade-kernel'],
      ),
    )
    .option('--path <PATH>', 'its file or folder, where it is not the usual one')
    .option('--lab <NAME>', 'name of the lab', 'imported')
    .option('-o, --output <FILE>', 'write it there (default: to standard output)');
  hostOption(command)
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const { from, path, lab, output } = options;
      const [{ importExports }, { toldPlace }, { note, print }, { line }, { counted }] = await Promise.all([
        import('../../manage/import/import.js'),
        import('../../manage/import/remarks.js'),
        import('../ui/output.js'),
        import('../ui/colors.js'),
        import('../../base/units.js'),
      ]);
      const name = options.host?.[0] ?? 'here';
      const report = await onOneHost(options, (host) =>
        importExports(host, { from, path, lab, hostName: hostKey(name), ssh: name }),
      );
      for (const remark of report.remarks) note(line`${toldPlace(remark)}: ${remark.text}`);
      if (output !== undefined) await writeNew(output, report.text);
      const { lab: made, leftOut, remarks, read } = report;
      const counts = `${counted(made.exports.length, 'export')} from ${read.join(', ')}, ${leftOut.length} left out, ${counted(remarks.length, 'remark')}`;
      print({ lab: made, leftOut, remarks, read, output: output ?? null }, options, () =>
        output === undefined ? report.text : line`${output}: ${counts}`,
      );
    });
}

/** A name that a lab's hosts may have. */
function hostKey(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_.-]+/g, '-');
}

/** A file of the user's is never replaced. */
async function writeNew(path: string, text: string): Promise<void> {
  const { openOutput } = await import('../../base/files/open-output.js');
  try {
    const { file } = await openOutput(path, { only: 'new', mode: 0o666 });
    await file.writeFile(text).finally(() => file.close());
  } catch (cause) {
    if (cause instanceof LabError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new UsageError({
      tried: `writing ${path}`,
      happened: code === 'EEXIST' ? 'it is there already' : message,
      next: 'name another file by --output',
      cause,
    });
  }
}
