import type { Command } from 'commander';
import type { Mac } from '../../wire/aoe/ethernet.js';
import { station } from './options.js';

interface Options {
  iface: string;
  netns?: string;
  station?: Mac;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('identify')
    .description('ask one target what its device is')
    .argument('<ADDRESS>', 'the target: eSHELF.SLOT')
    .requiredOption('--iface <IF>', 'network interface')
    .option('--netns <NAME>', 'network namespace of the interface')
    .option('--station <MAC>', 'the one that is meant, where several answer', station)
    .option('--json', 'print JSON')
    .action(async (name: string, options: Options) => {
      const [
        { describeTarget },
        { withTarget },
        { parseAddress },
        { print, note },
        { line },
        { formatSize },
      ] = await Promise.all([
        import('../../wire/initiator/describe.js'),
        import('../../wire/initiator/session.js'),
        import('../../wire/aoe/address.js'),
        import('../ui/output.js'),
        import('../ui/colors.js'),
        import('../../base/units.js'),
      ]);
      const facts = await withTarget(options, parseAddress(name), describeTarget, {
        station: options.station,
        onNote: note,
      });
      print(facts, options, () =>
        [
          line`${name}  ${facts.model}, serial ${facts.serial}, firmware ${facts.firmwareRevision}`,
          `size        ${formatSize(facts.bytes)} (${facts.sectors} sectors), ${facts.lba48 ? '48' : '28'}-bit addresses`,
          line`MAC         ${facts.mac}`,
          `buffers     ${facts.bufferCount}${facts.usableByLinux ? '' : ": Linux's driver never sends to it"}`,
          `a frame     ${facts.sectorsPerFrame} sectors here, ${facts.maxSectors} at most for the target`,
          `AoE         version ${facts.aoeVersion}, firmware 0x${facts.firmware.toString(16)}`,
          line`config      ${facts.configString === '' ? '(empty)' : facts.configString}`,
        ].join('\n'),
      );
    });
}
