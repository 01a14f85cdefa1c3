import { type Command, Option } from 'commander';
import { USES, type UseKind } from '../../serve/storage/findings.js';
import { line } from '../ui/colors.js';
import { findingsOf, several, whole, wireMtu } from './options.js';

interface UpOptions {
  kernel: string;
  link: number[];
  memory?: number;
  cpus?: number;
  disk: string[];
  allow?: UseKind[];
  module: string[];
  fio?: boolean;
  accel: 'auto' | 'kvm' | 'tcg';
  offline?: boolean;
  refresh?: boolean;
  json?: boolean;
}

export function register(program: Command): void {
  const vm = program
    .command('vm')
    .description('guests with kernels of Debian’s suites, reached by SSH; needs QEMU, no root')
    // Options behind the name of a guest are those of the command that runs in it.
    .enablePositionalOptions();
  vm.command('up')
    .argument('[NAME]', 'of the guest (default: a new name)')
    .description('start a guest that stays until `vm down`')
    .option('--kernel <KERNEL>', '5.10, 6.1, 6.12, unstable, SUITE/VERSION, host, or IMAGE[:MODULES]', '6.1')
    .option('--link <MTU>', 'an interface on the lab’s network, a socket (repeatable)', mtus, [])
    .option('--memory <MIB>', 'of the guest (default 256, with --fio 512)', whole(64, 1 << 20))
    .option('--cpus <N>', 'of the guest (default 2, where it is emulated 1)', whole(1, 256))
    .option('--disk <FILE>', 'a raw image that it sees as /dev/vda, … (repeatable)', several, [])
    .option(
      '--allow <FINDING>',
      `have it write to disks although this speaks against it (repeatable, or joined by commas): ${USES.join(', ')}`,
      findingsOf(USES),
    )
    .option('--module <NAME>', 'of its kernel, loaded at boot (repeatable)', several, [])
    .option('--fio', 'with fio: some 70 MB more to load')
    .addOption(new Option('--accel <KIND>', 'how it runs').choices(['auto', 'kvm', 'tcg']).default('auto'))
    .option('--offline', 'use only what the store has')
    .option('--refresh', 'look for newer packages than those in the store')
    .option('--json', 'print JSON')
    .action(up);
  vm.command('down')
    .argument('[NAME...]', 'of guests')
    .description('end guests and remove all that was theirs')
    .option('--all', 'every guest that was started to stay')
    .option('--json', 'print JSON')
    .action(down);
  vm.command('list').description('the guests of this machine').option('--json', 'print JSON').action(list);
  vm.command('ssh')
    .argument('<NAME>', 'of the guest')
    .argument('[COMMAND...]', 'to run there (default: a shell)')
    .description('run a command in a guest, or a shell')
    .passThroughOptions()
    .action(ssh);
}

function mtus(value: string, before: number[] = []): number[] {
  return [...before, wireMtu(value)];
}

async function up(name: string | undefined, options: UpOptions): Promise<void> {
  const [{ bootGuest }, { print, note }, { resolve }, { describeGuests }] = await Promise.all([
    import('../../prove/vm/index.js'),
    import('../ui/output.js'),
    import('node:path'),
    import('../ui/guests.js'),
  ]);
  await judgeDisks(options, note);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const guest = await bootGuest({
    name,
    kernel: options.kernel,
    links: options.link.map((mtu) => ({ mtu })),
    memory: options.memory,
    cpus: options.cpus,
    disks: options.disk.map((path) => ({ path: resolve(path) })),
    modules: options.module,
    fio: options.fio,
    accelerator: options.accel,
    offline: options.offline,
    refresh: options.refresh,
    stays: true,
    signal: stop.signal,
    onEvent: (event) => {
      if (event.kind === 'trying') note(line`fetching ${event.location}`);
    },
  });
  await guest.host.close();
  const { record, bootTime } = guest;
  print({ ...factsOf(record, true), bootTime: Math.round(bootTime) }, options, () =>
    [
      describeGuests([{ record, runs: true }]),
      line`reached after ${(bootTime / 1000).toFixed(1)} s; aoe-lab vm ssh ${record.name} gives a shell`,
    ].join('\n'),
  );
}

/** A guest writes to them as an initiator would. */
async function judgeDisks({ disk, allow = [] }: UpOptions, note: (text: string) => void): Promise<void> {
  if (disk.length === 0) return;
  const [{ existingAt }, { judgeOverwrite }] = await Promise.all([
    import('../../base/files/open-output.js'),
    import('../../serve/exports/overwrite.js'),
  ]);
  for (const path of disk) {
    await judgeOverwrite(await existingAt(path), {
      tried: 'giving a guest the disk',
      allow,
      onOverridden: ({ text }) => note(line`overridden: ${text}`),
    });
  }
}

async function down(
  names: string[],
  { all, json }: { all?: boolean | undefined; json?: boolean | undefined },
): Promise<void> {
  const [{ findGuest, listGuests, removeGuest, collectDeadGuests }, { print }, { UsageError }] =
    await Promise.all([
      import('../../prove/vm/index.js'),
      import('../ui/output.js'),
      import('../../base/errors.js'),
    ]);
  if ((names.length === 0) === !all) {
    throw new UsageError({
      tried: 'ending guests',
      happened: all ? 'names and --all exclude each other' : 'none is named',
      next: 'name them, or say --all',
    });
  }
  const swept = await collectDeadGuests();
  const chosen = all
    ? (await listGuests()).filter(({ stays }) => stays)
    : await Promise.all(names.map(findGuest));
  for (const record of chosen) await removeGuest(record);
  const ended = [...swept, ...chosen.map(({ name }) => name)];
  print({ ended }, { json }, () => (ended.length === 0 ? 'no guest runs' : line`ended: ${ended.join(', ')}`));
}

async function list({ json }: { json?: boolean | undefined }): Promise<void> {
  const [{ listGuests, pidOf, collectDeadGuests }, { print }, { describeGuests }] = await Promise.all([
    import('../../prove/vm/index.js'),
    import('../ui/output.js'),
    import('../ui/guests.js'),
  ]);
  await collectDeadGuests();
  const guests = await Promise.all(
    (await listGuests()).map(async (record) => ({ record, runs: (await pidOf(record)) !== undefined })),
  );
  print(
    guests.map(({ record, runs }) => factsOf(record, runs)),
    { json },
    () => (guests.length === 0 ? 'no guest runs' : describeGuests(guests)),
  );
}

async function ssh(name: string, command: string[]): Promise<void> {
  const [{ attachGuest, findGuest }, { openTerminal, passWords }] = await Promise.all([
    import('../../prove/vm/index.js'),
    import('../../hosts/ssh/terminal.js'),
  ]);
  const { host } = await attachGuest(await findGuest(name));
  try {
    process.exitCode =
      command.length > 0 ? await passWords(host.connection, command) : await openTerminal(host.connection);
  } finally {
    await host.close();
  }
}

/** What `--json` tells of a guest. */
function factsOf(record: import('../../prove/vm/index.js').GuestRecord, runs: boolean) {
  const { name, kernel, release, accelerator, memory, links, folder, stays, begun } = record;
  return {
    name,
    runs,
    stays,
    kernel,
    release,
    accelerator,
    memory,
    links,
    serialLog: `${folder}/serial.log`,
    begun,
  };
}
