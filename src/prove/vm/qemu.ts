/** The command line of QEMU for a guest: from facts to words. No I/O. */
import { join } from 'node:path';

export type Accelerator = 'kvm' | 'tcg';

/**
 * How QEMU runs a guest's processors: by KVM, emulated with a thread each, or emulated in turns by one thread: half as
 * fast, and free of races between processors over code that the kernel patches while it boots.
 */
export type Processors = 'kvm' | 'tcg' | 'tcg-in-turns';

export const acceleratorOf = (processors: Processors): Accelerator => (processors === 'kvm' ? 'kvm' : 'tcg');

export interface Disk {
  path: string;
  readOnly?: boolean | undefined;
  /** Whether others may write the file at the same time. Default: false, QEMU refuses that. */
  shared?: boolean | undefined;
}

/** What is the same in all guests that can go on from one saved boot. */
export interface MachineFacts {
  processors: Processors;
  /** MiB. */
  memory: number;
  cpus: number;
}

export interface DeviceFacts {
  /** Each a Unix socket on which QEMU listens, with frames as src/wire/link/stream.ts speaks them. */
  links: readonly { socket: string; mac: string; mtu: number }[];
  disks: readonly Disk[];
  /** Of the interface that SSH comes in by. */
  managementMac: string;
}

/** What runs from the start: a kernel, with all devices, or without to be saved as it waits; or what was saved. */
export type Start =
  | { kernel: string; initrd: string; savesTo?: string | undefined }
  | { resumesFrom: string };

export interface QemuFacts extends MachineFacts, DeviceFacts {
  name: string;
  start: Start;
  monitor: string;
  /** A Unix socket: the guest's second serial line. */
  settings: string;
  serialLog: string;
  pidFile: string;
}

/** As QMP's device_add and `-device` take it. */
export type Device = { driver: string } & Record<string, string | number>;

export const QEMU = 'qemu-system-x86_64';

/**
 * Warnings and worse go to the console; a kernel that has gone wrong ends the guest, its last words on the console. On a
 * busy machine an emulated timer may miss the ten ticks by which a kernel judges it, and panics: no_timer_check. Its trials of
 * ciphers tell nothing here and take long. Interfaces keep the kernel's names.
 */
const KERNEL_LINE =
  'console=ttyS0 loglevel=5 panic=-1 oops=panic random.trust_cpu=on tsc=unstable no_timer_check mitigations=off cryptomgr.notests net.ifnames=0';

/** What a newer one has is emulated step by step, and kernels use all of it: a boot takes a sixth more. */
const EMULATED = 'Nehalem-v1';

const ACCELERATION: Record<Processors, string> = {
  kvm: 'kvm',
  tcg: 'tcg,thread=multi',
  'tcg-in-turns': 'tcg,thread=single',
};

/** Slots of an old PC: devices can be plugged in while it runs, without bridges. */
const MACHINE = 'pc';

export function qemuArgv(facts: QemuFacts): string[] {
  const { processors, links, disks, start } = facts;
  return [
    QEMU,
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
    ...['-name', comma(facts.name), '-pidfile', facts.pidFile],
    ...['-machine', MACHINE, '-accel', ACCELERATION[processors]],
    ...['-cpu', processors === 'kvm' ? 'host' : EMULATED],
    ...['-smp', String(facts.cpus), '-m', String(facts.memory)],
    ...startArgv(start, facts.memory),
    ...['-chardev', `file,id=serial,path=${comma(facts.serialLog)},append=on`, '-serial', 'chardev:serial'],
    ...['-chardev', `socket,id=settings,path=${comma(facts.settings)},server=on,wait=off`],
    ...['-serial', 'chardev:settings'],
    ...['-qmp', `unix:${comma(facts.monitor)},server=on,wait=off`],
    ...links.flatMap(({ socket }, index) => [
      '-netdev',
      `stream,id=link${index},server=on,addr.type=unix,addr.path=${comma(socket)}`,
    ]),
    // Only what comes in by the forwarded port: a guest reaches nothing outside.
    ...['-netdev', 'user,id=management,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:0-:22'],
    ...disks.flatMap(({ path, readOnly = false, shared = false }, index) => [
      '-drive',
      `if=none,id=disk${index},format=raw,file=${comma(path)},${shared ? 'file.locking=off,' : ''}readonly=${readOnly ? 'on' : 'off'}`,
    ]),
    ...(isPluggedLater(start) ? [] : devices(facts).flatMap((one) => ['-device', JSON.stringify(one)])),
  ];
}

/** Whether its devices come after the start, by device_add. */
function isPluggedLater(start: Start): boolean {
  return 'resumesFrom' in start || start.savesTo !== undefined;
}

/**
 * Memory that is saved is a file of its own, of which each guest that goes on sees a private copy, page by page as it
 * writes (QEMU, docs/system/vm-templating.rst).
 */
function startArgv(start: Start, memory: number): string[] {
  const ram = (folder: string, isShared: boolean): string[] => [
    '-object',
    `memory-backend-file,id=ram,size=${memory}M,mem-path=${comma(memoryPath(folder))},share=${isShared ? 'on' : 'off'}`,
    ...['-machine', 'memory-backend=ram'],
  ];
  if ('resumesFrom' in start) return [...ram(start.resumesFrom, false), '-S', '-incoming', 'defer'];
  const { kernel, initrd, savesTo } = start;
  return [
    ...(savesTo === undefined ? [] : ram(savesTo, true)),
    ...['-kernel', kernel, '-initrd', initrd, '-append', KERNEL_LINE],
  ];
}

/** Of a saved boot's folder: the guest's memory, and all else that QEMU knows of it. */
export const memoryPath = (folder: string): string => join(folder, 'memory');
export const statePath = (folder: string): string => join(folder, 'state');

/** In the order in which the guest's kernel numbers them. */
export function devices({ links, disks, managementMac }: DeviceFacts): Device[] {
  return [
    { driver: 'virtio-rng-pci', id: 'random' },
    ...links.map(({ mac, mtu }, index) => ({
      ...{ driver: 'virtio-net-pci', id: `eth${index}`, netdev: `link${index}` },
      ...{ mac, host_mtu: mtu, romfile: '' },
    })),
    { driver: 'virtio-net-pci', id: 'mgmt', netdev: 'management', mac: managementMac, romfile: '' },
    ...disks.map((_, index) => ({ driver: 'virtio-blk-pci', id: `vd${index}`, drive: `disk${index}` })),
  ];
}

/** A comma in a value is doubled (qemu(1), -drive). */
function comma(text: string): string {
  return text.replaceAll(',', ',,');
}
