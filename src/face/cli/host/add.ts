import { type Command, Option } from 'commander';
import { line } from '../../ui/colors.js';
import { ACCEPT_NEW, closingHosts } from '../hosts.js';
import { whole } from '../options.js';

interface Options {
  port?: number;
  identity?: string;
  jump?: string;
  sudo?: 'auto' | 'never';
  acceptNew?: boolean;
  unchecked?: boolean;
  json?: boolean;
}

export function register(host: Command): void {
  host
    .command('add')
    .argument('<NAME>', 'to call it by')
    .argument('<ADDRESS>', '[USER@]ADDRESS[:PORT], or a name of ssh’s configuration')
    .description('put a host in the book, once it has been reached')
    .option('--port <PORT>', 'of its sshd', whole(1, 65535))
    .option('--identity <FILE>', 'private key to log in with')
    .option('--jump <HOSTS>', 'to go over, joined by commas')
    .addOption(
      new Option('--sudo <WHEN>', 'how a user who is not root gets root’s rights').choices(['auto', 'never']),
    )
    .option(...ACCEPT_NEW)
    .option('--unchecked', 'without trying to reach it')
    .option('--json', 'print JSON')
    .action((name: string, address: string, options: Options) =>
      closingHosts(() => add(name, address, options)),
    );
}

async function add(name: string, address: string, options: Options): Promise<void> {
  const [{ addHost }, { print }, { resolve }, { parseDestination }] = await Promise.all([
    import('../../../hosts/book/add.js'),
    import('../../ui/output.js'),
    import('node:path'),
    import('../../../hosts/ssh/client/address.js'),
  ]);
  const { host, user, port } = parseDestination(address);
  const { identity, jump, sudo, unchecked } = options;
  const entry = {
    address: host,
    ...(user === undefined ? {} : { user }),
    ...((options.port ?? port) === undefined ? {} : { port: options.port ?? port }),
    ...(identity === undefined ? {} : { identity: resolve(identity) }),
    ...(jump === undefined ? {} : { jump }),
    ...(sudo === undefined ? {} : { sudo }),
  };
  await addHost(name, entry, options);
  print(
    { name, ...entry },
    options,
    () => line`${name} is in the book${unchecked ? '' : ' and can be reached'}`,
  );
}
