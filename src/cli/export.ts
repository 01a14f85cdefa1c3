import { type Command, Option } from 'commander';
import type { ExportOptions } from '../target/entry.js';
import { integer, macs } from './options.js';

interface Options extends Omit<ExportOptions, 'macs'> {
  impl: string;
  release?: string;
  source?: string;
  offline?: boolean;
  kernel?: string;
  shelf: number;
  slot: number;
  iface: string;
  netns?: string;
  file: string;
  size?: string;
  loop?: boolean;
  force?: boolean;
  mac?: string[];
  restart?: 'on-failure';
  persist?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

const NOTHING_STARTS_IT =
  'nothing known here starts it; have /var/lib/aoe-lab/persist/aoe-lab.sh start called at boot';

export function register(program: Command): void {
  program
    .command('export')
    .description(
      'export a file or block device: fetch, build and start the target, whatever of it is missing',
    )
    .requiredOption('--impl <IMPL>', 'implementation, see aoe-lab list')
    .requiredOption('--shelf <N>', 'AoE major address', integer)
    .requiredOption('--slot <N>', 'AoE minor address', integer)
    .requiredOption('--iface <IF>', 'network interface')
    .requiredOption('--file <PATH>', 'backing file or block device')
    .option('--netns <NAME>', 'network namespace of the interface')
    .option('--size <SIZE>', 'make the file, sparse, with this size (such as 256M) if it is not there')
    .option('--release <VERSION>', 'release of the implementation')
    .option('--source <WHERE>', 'your copy of the source: a folder, an archive or a URL')
    .option('--offline', 'use only what the store has')
    .option('--kernel <KERNEL>', 'that a module is built for, see build (default: the one that runs there)')
    .option('--read-only', 'refuse writes')
    .option('--mac <MAC>', 'serve only this initiator (repeatable, or joined by commas)', macs)
    .option('--queue-length <N>', 'requests queued for the device', integer)
    .option('--buffer-count <N>', 'requests an initiator may have outstanding', integer)
    .option('--direct-io', 'pass by the page cache')
    .option('--sync', 'write through to the disk before answering')
    .option('--offset <SECTORS>', 'first sector exported', integer)
    .option('--length <SECTORS>', 'sectors exported', integer)
    .option('--broadcast', 'announce it although an access list is set')
    .option('--loop', 'put a loop device between the file and the target')
    .option('--force', 'export what is mounted, attached or exported already')
    .addOption(new Option('--restart <WHEN>', 'start its process again when it ends').choices(['on-failure']))
    .option('--persist', 'have it brought back after a reboot: by a systemd unit, OpenRC or a script')
    .option('--dry-run', 'print the commands it would run; fetches and builds, but exports nothing')
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const [
        { provide },
        { exportTarget },
        { here },
        { print },
        { noteRecovery },
        { parseSize, formatSize },
      ] = await Promise.all([
        import('../target/provide.js'),
        import('../target/export.js'),
        import('../host/local.js'),
        import('../ui/output.js'),
        import('../ui/recovery.js'),
        import('../units.js'),
      ]);
      const served = await provide(options.impl, { ...options, runsOn: here });
      const { readOnly, mac, queueLength, bufferCount, directIo, sync, offset, length, broadcast } = options;
      const wished = {
        readOnly,
        macs: mac,
        queueLength,
        bufferCount,
        directIo,
        sync,
        offset,
        length,
        broadcast,
      };
      const wish = {
        shelf: options.shelf,
        slot: options.slot,
        iface: options.iface,
        path: options.file,
        ...(options.netns === undefined ? {} : { netns: options.netns }),
        ...(options.size === undefined ? {} : { size: parseSize(options.size) }),
        loop: options.loop ?? false,
        force: options.force ?? false,
        ...(options.restart === undefined ? {} : { restart: options.restart }),
        persist: options.persist ?? false,
        options: withoutUndefined(wished),
      };
      if (options.dryRun) {
        const [{ previewExport }, { describePreview }] = await Promise.all([
          import('../target/plan.js'),
          import('../ui/preview.js'),
        ]);
        const preview = await previewExport(here, served, wish);
        print(preview, options, () => describePreview(preview));
        return;
      }
      const report = await exportTarget(here, served, wish, noteRecovery);
      print(report, options, () => {
        const via = report.device === undefined ? '' : ` by ${report.device}`;
        return [
          `${report.id}: ${report.file}${via}, ${formatSize(report.size)}, served by ${report.implementation} ${report.release} (process ${report.pids.join(' ')}) from ${report.mac}`,
          `log: ${report.log}`,
          ...(options.persist ? [`after a reboot: ${report.persistence ?? NOTHING_STARTS_IT}`] : []),
        ].join('\n');
      });
    });
}

function withoutUndefined(options: Record<string, unknown>): ExportOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
