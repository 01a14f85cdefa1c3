import type { Command } from 'commander';
import { LAST_SHELF, LAST_SLOT } from '../../wire/aoe/index.js';
import { line } from '../ui/colors.js';
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
    .option('--shelf <N>', 'only this AoE major address', whole(0, LAST_SHELF))
    .option('--slot <N>', 'only this AoE minor address', whole(0, LAST_SLOT))
    .option('--wait <MS>', 'how long to wait for answers', whole(0, MOST_MILLISECONDS), 500)
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const [
        { discover },
        { initiatorOf },
        { describeStrays },
        { withLink },
        { note, print },
        { discoveredTable },
      ] = await Promise.all([
        import('../../wire/initiator/discover.js'),
        import('../../wire/initiator/initiator.js'),
        import('../../wire/initiator/strays.js'),
        import('../../wire/initiator/session.js'),
        import('../ui/output.js'),
        import('../ui/discovered.js'),
      ]);
      const found = await withLink(options, async (link) => {
        const stations = await discover(link, { ...options, frames: true });
        const strays = describeStrays(initiatorOf(link).strays);
        if (strays !== undefined) note(strays);
        return stations;
      });
      print(found, options, () => (found.length === 0 ? silence(options) : discoveredTable(found)));
    });
}

/** Why a target that is there may not be seen. */
function silence({ iface, netns, wait, shelf, slot }: Options): string {
  const asked = [
    ...(shelf === undefined ? [] : [`shelf ${shelf}`]),
    ...(slot === undefined ? [] : [`slot ${slot}`]),
  ].join(', ');
  return [
    line`No target${asked && ` (${asked})`} answered on ${iface}${netns ? ` in namespace ${netns}` : ''} within ${wait} ms.`,
    '- A host does not hear its own exports on the interface that serves them: ask from the other end.',
    '- The target has to be on the same Ethernet segment and VLAN; AoE is not routed.',
    '- The daemon has to run, or the module to be loaded, with an export on that interface: aoe-lab status.',
    line`- Its cable may be out, or its other end down: ip link show dev ${iface} says NO-CARRIER then.`,
    '- A firewall (nftables, ebtables on a bridge), a switch or a list of allowed MACs may drop EtherType 0x88a2.',
    line`- aoe-lab capture --iface ${iface}${netns ? ` --netns ${netns}` : ''} shows what passes; a slow target needs a longer --wait.`,
  ].join('\n');
}
