import { type Command, Option } from 'commander';
import type { Host } from '../../hosts/host/host.js';
import type { ExportOptions } from '../../serve/exports/entry.js';
import type { ExportReport } from '../../serve/exports/export.js';
import type { Served } from '../../serve/exports/served.js';
import type { ExportSpec } from '../../serve/exports/spec.js';
import { FINDINGS, type FindingKind } from '../../serve/storage/findings.js';
import { line } from '../ui/colors.js';
import { type HostOptions, hostOptions, nameOf, onHosts } from './hosts.js';
import { findingsOf, integer, macs, UNPINNED } from './options.js';

interface Options extends Omit<ExportOptions, 'macs'>, HostOptions {
  impl: string;
  release?: string;
  source?: string;
  offline?: boolean;
  unpinned?: boolean;
  kernel?: string;
  shelf: number;
  slot: number;
  iface: string;
  netns?: string;
  file: string;
  size?: string;
  loop?: boolean;
  force?: boolean;
  allow?: FindingKind[];
  mac?: string[];
  restart?: 'on-failure';
  persist?: boolean;
  dryRun?: boolean;
}

const NOTHING_STARTS_IT =
  'nothing known here starts it; have /var/lib/aoe-lab/persist/aoe-lab.sh start called at boot';

export function register(program: Command): void {
  const command = program
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
    .option(...UNPINNED)
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
    .option('--lock-access', 'nothing but data can be changed over the wire (default with --mac)')
    .option(
      '--no-lock-access',
      'config string, MAC mask list and reservation can be, although --mac is given',
    )
    .option('--loop', 'put a loop device between the file and the target')
    .option(
      '--allow <FINDING>',
      `export although this speaks against it (repeatable, or joined by commas): ${FINDINGS.join(', ')}`,
      findingsOf(FINDINGS),
    )
    .option('--force', 'export whatever speaks against it, and say what did')
    .addOption(new Option('--restart <WHEN>', 'start its process again when it ends').choices(['on-failure']))
    .option('--persist', 'have it brought back after a reboot: by a systemd unit, OpenRC or a script')
    .option('--dry-run', 'print the commands it would run; fetches and builds, but exports nothing');
  hostOptions(command)
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const { parseSize } = await import('../../base/units.js');
      const spec = specFromOptions(options, options.size === undefined ? undefined : parseSize(options.size));
      return options.dryRun ? preview(options, spec) : carryOut(options, spec);
    });
}

function specFromOptions(options: Options, size: number | undefined): ExportSpec {
  const { shelf, slot, iface, netns, restart } = options;
  const { readOnly, mac, queueLength, bufferCount, directIo, sync } = options;
  const { offset, length, broadcast, lockAccess } = options;
  const queue = { queueLength, bufferCount, directIo, sync };
  const wanted = { readOnly, macs: mac, ...queue, offset, length, broadcast, lockAccess };
  return {
    shelf,
    slot,
    iface,
    path: options.file,
    ...(netns === undefined ? {} : { netns }),
    ...(size === undefined ? {} : { size }),
    loop: options.loop ?? false,
    ...(options.force ? { allow: true } : options.allow ? { allow: options.allow } : {}),
    ...(restart === undefined ? {} : { restart }),
    persist: options.persist ?? false,
    options: withoutUndefined(wanted),
  };
}

async function preview(options: Options, spec: ExportSpec): Promise<void> {
  if (await printScript(options, spec)) return;
  const [{ previewExport }, { describePreview }, { note }] = await Promise.all([
    import('../../serve/exports/plan.js'),
    import('../ui/preview.js'),
    import('../ui/output.js'),
  ]);
  await onHosts(
    options,
    async (host) => {
      const planned = await previewExport(host, await provided(options, host, spec), spec);
      noteFindings(planned, note);
      return planned;
    },
    describePreview,
  );
}

async function carryOut(options: Options, spec: ExportSpec): Promise<void> {
  const [{ exportTarget }, { noteRecovery }, { formatSize }, { note }] = await Promise.all([
    import('../../serve/exports/export.js'),
    import('../ui/recovery.js'),
    import('../../base/units.js'),
    import('../ui/output.js'),
  ]);
  await onHosts(
    options,
    async (host) => {
      const report = await exportTarget(host, await provided(options, host, spec), spec, (recovery) =>
        noteRecovery(recovery, nameOf(host)),
      );
      noteFindings(report, note);
      return report;
    },
    ({ id, file, device, size, implementation, release, pids, mac, log, persistence, unchecked }) => {
      const via = device === undefined ? '' : ` by ${device}`;
      const by = pids.length === 0 ? '' : ` (process ${pids.join(' ')})`;
      return [
        line`${id}: ${file}${via}, ${formatSize(size)}, served by ${implementation} ${release}${by} from ${mac}`,
        line`log: ${log}`,
        ...(unchecked === null ? [] : [line`nobody was asked whether the address is free: ${unchecked}`]),
        ...(options.persist ? [line`after a reboot: ${persistence ?? NOTHING_STARTS_IT}`] : []),
      ].join('\n');
    },
  );
}

/** What is served; what is to be known of it is told before it is started. */
async function provided(options: Options, host: Host, spec: ExportSpec): Promise<Served> {
  const [{ provide }, { note }] = await Promise.all([
    import('../../serve/exports/provide.js'),
    import('../ui/output.js'),
  ]);
  const served = await provide(options.impl, { ...options, runsOn: host, spec });
  for (const text of served.remarks) note(line`warning: ${text}`);
  return served;
}

function noteFindings(
  { overridden, warnings }: Pick<ExportReport, 'overridden' | 'warnings'>,
  note: (text: string) => void,
): void {
  for (const { text } of overridden) note(line`overridden: ${text}`);
  for (const warning of warnings) note(line`warning: ${warning}`);
}

/** Of a release that runs on another system there is a script instead of commands. @returns whether it is such a one */
async function printScript(options: Options, spec: ExportSpec): Promise<boolean> {
  const { select, loadRecipe } = await import('../../make/recipe/load.js');
  const recipe = await loadRecipe(options.impl);
  const selected = select(recipe, options.release);
  const { release } = selected;
  if (release.script === undefined) return false;
  const [{ renderScript }, { print }] = await Promise.all([
    import('../../serve/exports/script.js'),
    import('../ui/output.js'),
  ]);
  const script = renderScript(selected, spec);
  print({ script }, options, () => script.trimEnd());
  return true;
}

function withoutUndefined(options: Record<string, unknown>): ExportOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
