import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError, UsageError } from '../../base/errors.js';
import { here } from '../../hosts/host/local.js';
import { SshHost } from '../../hosts/ssh/host.js';
import type { FetchPackagesOptions } from '../../make/debian/packages.js';
import { withAccelerator } from './accelerator.js';
import { baseImage, fioImage, hostImage, modulesImage } from './image.js';
import { READY, SEEDED, settingsText } from './init.js';
import { type GuestKernel, guestKernel } from './kernel.js';
import { makeGuestKeys } from './keys.js';
import { launch, untilSaid } from './launch.js';
import { forwardedPort, monitor } from './monitor.js';
import { BootError, lastWords, serialLog } from './process.js';
import { type Accelerator, acceleratorOf, type Disk, type MachineFacts, type Processors } from './qemu.js';
import {
  checkName,
  collectDeadGuests,
  type GuestRecord,
  guestsFolder,
  keyPath,
  madeUpName,
  monitorPath,
  ownIdentity,
  pidOf,
  removeGuest,
  serialPath,
  settingsPath,
} from './registry.js';
import { discardSaved, savedBoot, saveMachine } from './saved.js';
import { kernelTrouble } from './trouble.js';
import { fasterKernel } from './vmlinux.js';

export interface GuestOptions extends FetchPackagesOptions {
  /** Default: one is made up. */
  name?: string | undefined;
  /** As guestKernel takes it. Default: `6.1`. */
  kernel?: string | GuestKernel | undefined;
  /** Interfaces of the lab network, `eth0`, `eth1`, …. Default: none. */
  links?: readonly { mac?: string | undefined; mtu?: number | undefined }[] | undefined;
  /** MiB. Default: 256, with fio 512. */
  memory?: number | undefined;
  /** Default: 1, with KVM 2. */
  cpus?: number | undefined;
  /** Files that the guest sees as `/dev/vda`, `/dev/vdb`, …, raw. */
  disks?: readonly Disk[] | undefined;
  /** Whether its system is the one on its first disk, with systemd, dropbear and ip(8). Default: in memory. */
  fromDisk?: boolean | undefined;
  /** Modules of the kernel that are loaded at boot, beyond the usual. */
  modules?: readonly string[] | undefined;
  /** Whether it has fio: 70 MB more to load. */
  fio?: boolean | undefined;
  /** Whether targets can be exported in it, as on any host. */
  exports?: boolean | undefined;
  accelerator?: Accelerator | 'auto' | undefined;
  /** Whether it stays when this process ends (`vm up`). */
  stays?: boolean | undefined;
}

export interface Guest {
  record: GuestRecord;
  host: SshHost;
  /** Path. */
  serialLog: string;
  /** Milliseconds from the start of QEMU until it could be reached. */
  bootTime: number;
  /** Whether it has not ended: by a panic, say. */
  isRunning(): Promise<boolean>;
  /** What its kernel complained of so far: oopses, panics, warnings, each with its first lines. */
  trouble(): Promise<string[]>;
  /** Loads a module that is at hand in the guest (`aoe`), with parameters such as `aoe_deadsecs=10`. */
  loadModule(name: string, parameters?: readonly string[]): Promise<void>;
  /** Plugs the cable of an interface in, or pulls it out. */
  setCable(link: number, isIn: boolean): Promise<void>;
  /** Ends it and removes all that was its. */
  stop(): Promise<void>;
}

/**
 * Boots a guest: a small system in memory, reached by SSH, that ends with this process. Its interfaces are Unix sockets
 * (`record.links`) on which QEMU listens; connectStream takes one as a link, and a Hub joins such links.
 *
 * @throws MissingError if QEMU or a kernel is missing · UnreachableError if its packages can't be had · LabError if it does not come up
 */
export async function bootGuest(options: GuestOptions = {}): Promise<Guest> {
  const name = options.name ?? madeUpName();
  checkName(name);
  checkMemory(options);
  await collectDeadGuests();
  const { kernel, images } = await guestImages(options);
  return withAccelerator(
    (processors, patience) => boot(name, kernel, images, processors, patience, options),
    options.accelerator,
  );
}

/** Fetches and makes all that a guest is made of, so that it can be booted without a network. */
export async function prepareGuest(options: GuestOptions): Promise<void> {
  await guestImages(options);
}

/** A guest that stays and was started by an earlier command. */
export async function attachGuest(record: GuestRecord): Promise<Guest> {
  return reach(record, 0);
}

async function guestImages(options: GuestOptions): Promise<{ kernel: GuestKernel; images: string[] }> {
  const { kernel: wanted = '6.1' } = options;
  const kernel = typeof wanted === 'string' ? await guestKernel(wanted, options) : wanted;
  const images = [
    await baseImage(options),
    await modulesImage(kernel, options.modules ?? []),
    ...(options.fio ? [await fioImage(options)] : []),
    ...(options.exports ? [await hostImage(options)] : []),
  ];
  return { kernel: { ...kernel, image: await fasterKernel(kernel.image) }, images };
}

/** Emulated processors that wait for each other cost more than a second one brings: a boot 8 s of CPU time, by one 5. */
function usualCpus(processors: Processors): number {
  return processors === 'kvm' ? 2 : 1;
}

/** What the system in memory and its kernel need to come up, in MiB. */
const LEAST_MEMORY = 160;

function checkMemory({ memory = LEAST_MEMORY, cpus = 1 }: GuestOptions): void {
  if (memory >= LEAST_MEMORY && cpus >= 1) return;
  throw new UsageError({
    tried: 'starting a guest',
    happened: `${memory} MiB and ${cpus} CPUs are too little`,
    next: `give it ${LEAST_MEMORY} MiB and one CPU at least`,
  });
}

async function boot(
  name: string,
  kernel: GuestKernel,
  images: readonly string[],
  processors: Processors,
  patience: number,
  options: GuestOptions,
): Promise<Guest> {
  const { signal, links = [], disks = [] } = options;
  const memory = options.memory ?? (options.fio ? 512 : 256);
  const machine = { processors, memory, cpus: options.cpus ?? usualCpus(processors) };
  const common = { machine, kernel: kernel.image, images, patience, signal };
  // By KVM a boot takes little more than what comes after it.
  const saves = kernel.isHotplugged === true && processors === 'tcg';
  const resumesFrom = saves
    ? await savedBoot(kernel.image, images, machine, async (savesTo) => {
        const record = await newRecord(madeUpName(), kernel, machine);
        const nothing = { links: [], disks: [], managementMac: madeUpMac() };
        await launch({ ...common, record, devices: nothing, savesTo }, async () => {
          const log = await serialLog(record);
          if (!log.includes(SEEDED)) await saveMachine(monitorPath(record), savesTo);
        });
        await removeGuest(record);
      })
    : undefined;
  const started = performance.now();
  const keys = await makeGuestKeys();
  const record = {
    ...(await newRecord(name, kernel, machine, links)),
    stays: options.stays ?? false,
    hostKey: keys.host.public.toString('base64'),
  };
  const managementMac = madeUpMac();
  const devices = { links: record.links, disks, managementMac };
  const settings = {
    ...{ name, disks: disks.length, fromDisk: options.fromDisk ?? false },
    links: [...record.links, { name: 'mgmt', mac: managementMac, mtu: 1500 }],
    ...{ hostKey: keys.host.dropbear, clientKey: keys.client.line },
  };
  const plan = { ...common, record, devices, resumesFrom };
  try {
    return await launch(plan, async (child) => {
      await here.write(keyPath(record.folder), keys.client.private, 0o600);
      await tell(settingsPath(record), settingsText(settings));
      await untilSaid(child, plan, READY);
      return reach(record, started);
    });
  } catch (error) {
    // It may be what was saved.
    if (resumesFrom !== undefined && error instanceof BootError) await discardSaved(resumesFrom);
    throw error;
  }
}

async function newRecord(
  name: string,
  kernel: GuestKernel,
  { processors, memory }: MachineFacts,
  links: GuestOptions['links'] = [],
): Promise<GuestRecord> {
  const sockets = join(socketsParent(), `aoe-lab-vm-${randomBytes(6).toString('hex')}`);
  return {
    ...{ name, folder: join(await guestsFolder(), name), sockets },
    ...{ stays: false, owner: await ownIdentity() },
    ...{ kernel: kernel.name, release: kernel.release, accelerator: acceleratorOf(processors), memory },
    links: links.map(({ mac = madeUpMac(), mtu = 1500 }, index) => ({
      ...{ name: `eth${index}`, socket: join(sockets, `link${index}`), mac, mtu },
    })),
    hostKey: '',
    begun: new Date().toISOString(),
  };
}

/** Sends what a guest is told to its second serial line. */
async function tell(path: string, text: string): Promise<void> {
  const line = connect(path);
  try {
    await once(line, 'connect');
    line.end(text);
    await once(line, 'close');
  } finally {
    line.destroy();
  }
}

async function reach(record: GuestRecord, started: number): Promise<Guest> {
  const { name, folder } = record;
  const host = new SshHost({
    name: `guest ${name}`,
    user: 'root',
    hostKeys: [Buffer.from(record.hostKey, 'base64')],
    privateKey: await readFile(keyPath(folder), 'utf8'),
    open: async () => connectTo(await forwardedPort(monitorPath(record))),
    connectTimeout: 60_000,
    keepalive: 10_000,
    whyLost: async () => {
      // Its last words may be on their way to the log.
      await sleep(500);
      const log = await serialLog(record);
      const isGone = (await pidOf(record)) === undefined;
      return kernelTrouble(log).length > 0 || isGone
        ? `${isGone ? 'its QEMU has ended' : 'its kernel complained'}:\n${lastWords(log)}`
        : undefined;
    },
  });
  await host.run(['true']);
  const bootTime = performance.now() - started;
  return {
    record,
    host,
    serialLog: serialPath(folder),
    bootTime,
    isRunning: async () => (await pidOf(record)) !== undefined,
    trouble: async () => kernelTrouble(await serialLog(record)),
    loadModule: async (module, parameters = []) => {
      await host.run(['insmod', `/lib/modules/${module}.ko`, ...parameters]);
    },
    setCable: async (link, isIn) => {
      if (record.links[link] === undefined) {
        throw new LabError({ tried: `plugging link ${link} of ${name}`, happened: 'it has no such link' });
      }
      await monitor(monitorPath(record), 'set_link', { name: `link${link}`, up: isIn });
    },
    stop: async () => {
      await host.close();
      await removeGuest(record);
    },
  };
}

function connectTo(port: number): Promise<ReturnType<typeof connect>> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** A socket's path has 107 bytes at most (unix(7)). */
function socketsParent(): string {
  const folder = tmpdir();
  return Buffer.byteLength(folder) > 70 ? '/tmp' : folder;
}

/** Locally administered, not a group's. */
function madeUpMac(): string {
  return ['02', ...(randomBytes(5).toString('hex').match(/../g) as string[])].join(':');
}
