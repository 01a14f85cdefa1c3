import type { Command } from 'commander';
import type { Discovered } from '../initiator/discover.js';
import { MOST_MILLISECONDS, whole } from './options.js';

interface Options {
  iface: string;
  netns?: string;
  shelf?: number;
  slot?: number;
  wait: number;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('discover')
    .description('ask on an interface which targets are there')
    .requiredOption('--iface <IF>', 'network interface')
    .option('--netns <NAME>', 'network namespace of the interface')
    .option('--shelf <N>', 'only this AoE major address', whole(0, 65534))
    .option('--slot <N>', 'only this AoE minor address', whole(0, 254))
    .option('--wait <MS>', 'how long to wait for answers', whole(0, MOST_MILLISECONDS), 500)
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const [{ discover }, { withLink }, { print }, { table }, { formatSize }] = await Promise.all([
        import('../initiator/discover.js'),
        import('../initiator/session.js'),
        import('../ui/output.js'),
        import('../ui/table.js'),
        import('../units.js'),
      ]);
      const found = await withLink(options, (link) => discover(link, options));
      print(found, options, () => {
        if (found.length === 0) return silence(options);
        const [shown, left] = [found.slice(0, MOST), Math.max(0, found.length - MOST)];
        const text = table(
          HEAD,
          shown.map((target) => row(target, formatSize)),
        );
        return left === 0 ? text : `${text}\n… and ${left} more (--json has them all)`;
      });
    });
}

/** Answers that a person is shown. */
const MOST = 200;

const HEAD = [
  'target',
  'MAC',
  'size',
  'model',
  'serial',
  'buffers',
  'sectors/frame',
  'firmware',
  'config string',
];

function row(found: Discovered, formatSize: (bytes: number) => string): string[] {
  return [
    `e${found.shelf}.${found.slot}`,
    found.mac,
    found.sectors === null ? `? (${found.fault})` : formatSize(found.sectors * 512),
    found.model ?? '?',
    found.serial ?? '?',
    String(found.bufferCount),
    String(found.maxSectors),
    `0x${found.firmware.toString(16)}`,
    found.configString,
  ];
}

/** Why a target that is there may not be seen. */
function silence({ iface, netns, wait, shelf, slot }: Options): string {
  const asked = [
    ...(shelf === undefined ? [] : [`shelf ${shelf}`]),
    ...(slot === undefined ? [] : [`slot ${slot}`]),
  ].join(', ');
  return [
    `No target${asked && ` (${asked})`} answered on ${iface}${netns ? ` in namespace ${netns}` : ''} within ${wait} ms.`,
    '- A host does not hear its own exports on the interface that serves them: ask from the other end.',
    '- The target has to be on the same Ethernet segment and VLAN; AoE is not routed.',
    '- The daemon has to run, or the module to be loaded, with an export on that interface: aoe-lab status.',
    '- A firewall (nftables, ebtables on a bridge), a switch or a list of allowed MACs may drop EtherType 0x88a2.',
    `- tcpdump -i ${iface} ether proto 0x88a2 shows what passes; a slow target needs a longer --wait.`,
  ].join('\n');
}
