/**
 * What units of systemd keep their processes from (systemd.exec(5), systemd.resource-control(5)). No I/O.
 *
 * File systems that are mounted later reach a unit although it has mounts of its own: what systemd makes for it receives
 * mounts of the host (mount propagation `slave`), each as writable as it is there. What is hidden stays hidden, with all
 * that is mounted below it.
 */
import { posix } from 'node:path';
import type { Capability } from '../../../make/recipe/schema.js';
import type { ExportEntry, StateFolder } from '../entry.js';
import { unitWord } from './words.js';

/** Name and value; `since` is the release of systemd that knows it, which units need not say and `systemd-run` must. */
export type Setting = readonly [name: string, value: string, since?: number];

const ALL: readonly Setting[] = [
  ['AmbientCapabilities', ''],
  ['NoNewPrivileges', 'yes'],
  ['LockPersonality', 'yes'],
  ['RestrictRealtime', 'yes'],
  ['RestrictSUIDSGID', 'yes', 242],
  ['ProtectClock', 'yes', 245],
  ['ProtectHostname', 'yes', 242],
  ['KeyringMode', 'private'],
  ['IPAddressDeny', 'any'],
  ['SystemCallArchitectures', 'native'],
  ['SystemCallErrorNumber', 'EPERM'],
  ['UMask', '0077'],
];

/** Below these root and users have what is nobody else's business. */
const HOMES = /^\/(?:home|root|run\/user)(?:\/|$)/;
/** From there others of root's take what they do: a daemon, which may write nearly anywhere, may not write there. */
const OBEYED = ['/run/systemd', '/run/udev', '/var/spool'];
const TEMPORARY = /^\/(?:var\/)?tmp(?:\/|$)/;

/** A program, of which the paths of all that it needs are known. */
export interface Sandboxed {
  argv: readonly string[];
  before: readonly (readonly string[])[];
  log: string;
  cwd: string;
  netns: string | undefined;
  persist: boolean;
  capabilities: readonly Capability[];
}

/**
 * A daemon is told of other exports while it runs, which may lie anywhere: that of persistent exports is started again
 * where one is hidden from it (see daemon-driver.ts), and for others nothing is hidden.
 * @param members its exports
 */
export function programSettings(
  state: StateFolder,
  program: Sandboxed,
  members: readonly ExportEntry[],
): Setting[] {
  const isDaemon = members[0]?.control.shape === 'daemon';
  const isOpen = isDaemon && !program.persist;
  const devices = devicesOf(members, isDaemon);
  const hasDevices = isDaemon || devices.length > 0;
  // To enter a namespace; given up behind that, where the host can (see hosts/tools/confine.ts).
  const entering = program.netns === undefined ? '' : ' CAP_SYS_ADMIN CAP_SETPCAP';
  return [
    ['CapabilityBoundingSet', capabilityWords(program.capabilities) + entering],
    ...ALL,
    ...(isOpen ? [] : hidden(state, program, members)),
    ...writable(members, isDaemon).map((path): Setting => ['ReadWritePaths', `-${unitWord(path)}`]),
    // Whoever is root and reaches these has the manager do the rest.
    ['InaccessiblePaths', '-/run/systemd/private -/run/dbus'],
    ['PrivateIPC', 'yes', 248],
    ['DevicePolicy', 'closed'],
    ...devices.map((name): Setting => ['DeviceAllow', `${name} rw`]),
    ...(hasDevices ? [] : [['PrivateDevices', 'yes'] as const]),
    ['ProtectControlGroups', 'yes'],
    ['ProtectKernelLogs', 'yes', 244],
    ['ProtectKernelModules', 'yes'],
    ['ProtectKernelTunables', 'yes'],
    ['ProtectProc', 'invisible', 247],
    ['RestrictAddressFamilies', 'AF_PACKET AF_UNIX AF_NETLINK'],
    ...(program.netns === undefined ? [['RestrictNamespaces', 'yes'] as const] : []),
    ...calls(members),
    ...(program.netns === undefined ? [] : [['SystemCallFilter', 'capset'] as const]),
  ];
}

export function capabilityWords(capabilities: readonly Capability[]): string {
  return capabilities.map((name) => `CAP_${name.toUpperCase()}`).join(' ');
}

function calls(members: readonly ExportEntry[]): Setting[] {
  const control = members[0]?.control;
  // Node makes machine code as it goes, and guards it by memory protection keys where the processor has them.
  const compiles = control?.shape !== 'control-file' && control?.run.includes('{{node}}');
  return [
    ...(compiles ? [] : [['MemoryDenyWriteExecute', 'yes'] as const]),
    ['SystemCallFilter', `@system-service${compiles ? ' @pkey' : ''}`],
    ['SystemCallFilter', '~@privileged @resources'],
  ];
}

function writable(members: readonly ExportEntry[], isDaemon: boolean): string[] {
  const files = members.flatMap(({ backing, options }) => [
    ...(backing.kind === 'file' && !backing.loop && !options.readOnly ? [backing.opens] : []),
    ...(backing.pinned ? [posix.dirname(backing.opens)] : []),
  ]);
  return isDaemon ? files.filter((path) => OBEYED.some((folder) => path.startsWith(`${folder}/`))) : files;
}

/** Folders of others are hidden where nothing that it needs lies there; to be written is what else is said of it. */
function hidden(state: StateFolder, program: Sandboxed, members: readonly ExportEntry[]): Setting[] {
  const isDaemon = members[0]?.control.shape === 'daemon';
  const files = members.flatMap(({ backing }) => [backing.name, backing.path, backing.opens]);
  const { argv, before, cwd, log } = program;
  const needed = [...files, ...argv, ...before.flat(), state.folder, cwd, log];
  const isFree = (place: RegExp): boolean => !needed.some((path) => place.test(path));
  const homes = isFree(HOMES) ? 'yes' : isDaemon ? 'no' : 'read-only';
  return [
    ['ProtectSystem', isDaemon ? 'full' : 'strict'],
    ...(isDaemon ? [['ReadOnlyPaths', OBEYED.map((folder) => `-${folder}`).join(' ')] as const] : []),
    ['ProtectHome', homes],
    ...(isFree(TEMPORARY) ? [['PrivateTmp', 'yes'] as const] : []),
  ];
}

/** What the device of a number that moves is called, nobody knows before the start; nor what a daemon is told of later. */
function devicesOf(members: readonly ExportEntry[], isDaemon: boolean): string[] {
  const isOpen = isDaemon && members.every(({ persist }) => !persist);
  if (isOpen) return ['block-*'];
  const names = members.flatMap(({ backing: { kind, loop, pinned, opens } }) => {
    if (loop) return ['block-loop'];
    if (kind === 'file') return [];
    // By its link, which is not below /dev, systemd does not take it.
    return pinned ? ['block-*'] : [unitWord(opens)];
  });
  return [...new Set(names)];
}

const TASKS = {
  link: {
    capabilities: 'CAP_NET_ADMIN CAP_DAC_OVERRIDE',
    calls: '@system-service',
    // ip(8) may go by an ordinary socket.
    families: 'AF_UNIX AF_NETLINK AF_INET',
  },
  loop: { capabilities: 'CAP_SYS_ADMIN CAP_DAC_OVERRIDE', calls: '@system-service', families: 'AF_UNIX' },
  /** Kernel code that opens devices and interfaces does so in the name of whoever told it to. */
  module: {
    capabilities: 'CAP_SYS_MODULE CAP_SYS_ADMIN CAP_SYS_RAWIO CAP_NET_ADMIN CAP_NET_RAW CAP_DAC_OVERRIDE',
    calls: '@system-service @module',
    families: 'AF_UNIX',
  },
};

/** Of what tells the manager of disks (see late-disks.ts): all of this is its doing, and nothing of the process's. */
export const LATE_DISKS_SETTINGS: readonly Setting[] = [
  ['CapabilityBoundingSet', ''],
  ...ALL,
  ['ProtectSystem', 'strict'],
  ['ProtectHome', 'yes'],
  ['PrivateTmp', 'yes'],
  ['PrivateNetwork', 'yes'],
  ['DevicePolicy', 'closed'],
  ['ProtectControlGroups', 'yes'],
  ['ProtectKernelLogs', 'yes'],
  ['ProtectKernelModules', 'yes'],
  ['ProtectKernelTunables', 'yes'],
  ['ProtectProc', 'invisible'],
  ['RestrictAddressFamilies', 'AF_UNIX'],
  ['RestrictNamespaces', 'yes'],
  ['MemoryDenyWriteExecute', 'yes'],
  ['SystemCallFilter', '@system-service'],
  ['SystemCallFilter', '~@privileged @resources'],
];

/** Of services that are done at once. */
export function taskSettings(kind: keyof typeof TASKS): Setting[] {
  const { capabilities, calls: filter, families } = TASKS[kind];
  return [
    ['CapabilityBoundingSet', capabilities],
    ...ALL,
    // No file system of its own: what the kernel opens for it must be reached by the same path afterwards.
    ...(kind === 'link' ? LINK : []),
    ...(kind === 'loop' ? [['PrivateNetwork', 'yes'] as const] : []),
    ['RestrictAddressFamilies', families],
    ['RestrictNamespaces', 'yes'],
    ['MemoryDenyWriteExecute', 'yes'],
    ['SystemCallFilter', filter],
    ...(kind === 'module' ? [] : [['SystemCallFilter', '~@privileged @resources'] as const]),
  ];
}

const LINK: readonly Setting[] = [
  ['ProtectSystem', 'full'],
  ['ProtectHome', 'read-only'],
  ['PrivateTmp', 'yes'],
  ['PrivateDevices', 'yes'],
  ['DevicePolicy', 'closed'],
  ['ProtectControlGroups', 'yes'],
  ['ProtectKernelLogs', 'yes', 244],
  ['ProtectKernelModules', 'yes'],
  ['ProtectProc', 'invisible', 247],
];
