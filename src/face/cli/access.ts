import { type Command, Option } from 'commander';
import { UsageError } from '../../base/errors.js';
import { line } from '../ui/colors.js';
import { type HostOptions, hostOptions, nameOf, onHosts } from './hosts.js';

interface Options extends HostOptions {
  show?: boolean;
  clear?: boolean;
  lock?: boolean;
  unlock?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('access')
    .description('who may use exports: what initiators have set over the wire; clears it, or locks it')
    .argument('[EXPORT...]', 'such as e0.1 (default: all, to show them)');
  command
    .addOption(
      new Option('--show', 'show MAC mask list, reservation and config string (default)').conflicts([
        'clear',
        'lock',
        'unlock',
      ]),
    )
    .option('--clear', 'remove the MAC mask list and the reservation that initiators have set')
    .addOption(
      new Option('--lock', 'nothing but data can be changed over the wire from now on').conflicts('unlock'),
    )
    .option('--unlock', 'config string, MAC mask list and reservation can be changed over the wire');
  hostOptions(command)
    .option('--json', 'print JSON')
    .action(async (names: string[], options: Options) => {
      const { clear = false, lock, unlock } = options;
      const isChange = clear || lock || unlock;
      if (isChange && names.length === 0) {
        throw new UsageError({
          tried: 'changing who may use exports',
          happened: 'none was named',
          next: 'name them; aoe-lab access shows them',
        });
      }
      const [{ changeAccess, showAccess }, { describeAccess }, { noteRecovery }, { note }] =
        await Promise.all([
          import('../../serve/exports/change-access.js'),
          import('../ui/access.js'),
          import('../ui/recovery.js'),
          import('../ui/output.js'),
        ]);
      await onHosts(
        options,
        async (host) => {
          if (isChange) {
            const change = { clear, lock: lock ? true : unlock ? false : undefined };
            const restarted = await changeAccess(host, names, change, (recovery) =>
              noteRecovery(recovery, nameOf(host)),
            );
            for (const id of restarted) {
              note(line`${id} was restarted: its target keeps all this in memory, the config string as well`);
            }
          }
          return showAccess(host, names.length === 0 ? undefined : names);
        },
        describeAccess,
      );
    });
}
