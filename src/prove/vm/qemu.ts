/** The command line of QEMU for a guest: from facts to words. No I/O. */

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

export interface QemuFacts {
  name: string;
  kernel: string;
  initrd: string;
  processors: Processors;
  /** MiB. */
  memory: number;
  cpus: number;
  /** Each a Unix socket on which QEMU listens, with frames as src/wire/link/stream.ts speaks them. */
  links: readonly { socket: string; mac: string; mtu: number }[];
  /** The first process in the first root, in place of /init. */
  init?: string;
  disks: readonly Disk[];
  /** Of the interface that SSH comes in by. */
  managementMac: string;
  monitor: string;
  serialLog: string;
  pidFile: string;
}

export const QEMU = 'qemu-system-x86_64';

/**
 * Warnings and worse go to the console; a kernel that has gone wrong ends the guest, its last words on the console. On a
 * busy machine an emulated timer may miss the ten ticks by which a kernel judges it, and panics: no_timer_check. Its trials of
 * ciphers tell nothing here and take long.
 */
const KERNEL_LINE =
  'console=ttyS0 loglevel=5 panic=-1 oops=panic random.trust_cpu=on tsc=unstable no_timer_check mitigations=off cryptomgr.notests';

/** What a newer one has is emulated step by step, and kernels use all of it: a boot takes a sixth more. */
const EMULATED = 'Nehalem-v1';

const ACCELERATION: Record<Processors, string> = {
  kvm: 'kvm',
  tcg: 'tcg,thread=multi',
  'tcg-in-turns': 'tcg,thread=single',
};

export function qemuArgv(facts: QemuFacts): string[] {
  const { processors, links, disks } = facts;
  return [
    QEMU,
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
    ...['-name', comma(facts.name), '-pidfile', facts.pidFile],
    ...['-machine', 'q35', '-accel', ACCELERATION[processors]],
    ...['-cpu', processors === 'kvm' ? 'host' : EMULATED],
    ...['-smp', String(facts.cpus), '-m', String(facts.memory)],
    ...['-kernel', facts.kernel, '-initrd', facts.initrd, '-append', kernelLine(facts)],
    ...['-chardev', `file,id=serial,path=${comma(facts.serialLog)},append=on`, '-serial', 'chardev:serial'],
    ...['-qmp', `unix:${comma(facts.monitor)},server=on,wait=off`],
    ...['-device', 'virtio-rng-pci'],
    ...links.flatMap(({ socket, mac, mtu }, index) => [
      ...[
        '-netdev',
        `stream,id=link${index},server=on,addr.type=unix,addr.path=${comma(socket)}`,
        '-device',
        `virtio-net-pci,netdev=link${index},mac=${mac},host_mtu=${mtu},romfile=`,
      ],
    ]),
    // Only what comes in by the forwarded port: a guest reaches nothing outside.
    ...['-netdev', 'user,id=management,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:0-:22'],
    ...['-device', `virtio-net-pci,netdev=management,mac=${facts.managementMac},romfile=`],
    ...disks.flatMap(({ path, readOnly = false, shared = false }, index) => [
      ...[
        '-drive',
        `if=none,id=disk${index},format=raw,file=${comma(path)},${shared ? 'file.locking=off,' : ''}readonly=${readOnly ? 'on' : 'off'}`,
        '-device',
        `virtio-blk-pci,drive=disk${index}`,
      ],
    ]),
  ];
}

/** Interfaces keep the kernel's names. */
function kernelLine({ init }: QemuFacts): string {
  return init === undefined ? KERNEL_LINE : `${KERNEL_LINE} rdinit=${init} net.ifnames=0`;
}

/** A comma in a value is doubled (qemu(1), -drive). */
function comma(text: string): string {
  return text.replaceAll(',', ',,');
}
