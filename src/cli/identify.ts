import type { Command } from 'commander';

interface Options {
  iface: string;
  netns?: string;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('identify')
    .description('ask one target what its device is')
    .argument('<ADDRESS>', 'the target: eSHELF.SLOT')
    .requiredOption('--iface <IF>', 'network interface')
    .option('--netns <NAME>', 'network namespace of the interface')
    .option('--json', 'print JSON')
    .action(async (name: string, options: Options) => {
      const [{ describeTarget }, { withTarget }, { parseAddress }, { print }, { line }, { formatSize }] =
        await Promise.all([
          import('../initiator/describe.js'),
          import('../initiator/session.js'),
          import('../aoe/address.js'),
          import('../ui/output.js'),
          import('../ui/colors.js'),
          import('../units.js'),
        ]);
      const facts = await withTarget(options, parseAddress(name), describeTarget);
      print(facts, options, () =>
        [
          line`${name}  ${facts.model}, serial ${facts.serial}, firmware ${facts.firmwareRevision}`,
          `size        ${formatSize(facts.bytes)} (${facts.sectors} sectors), ${facts.lba48 ? '48' : '28'}-bit addresses`,
          `MAC         ${facts.mac}`,
          `buffers     ${facts.bufferCount}`,
          `a frame     ${facts.sectorsPerFrame} sectors here, ${facts.maxSectors} at most for the target`,
          `AoE         version ${facts.aoeVersion}, firmware 0x${facts.firmware.toString(16)}`,
          line`config      ${facts.configString === '' ? '(empty)' : facts.configString}`,
        ].join('\n'),
      );
    });
}
